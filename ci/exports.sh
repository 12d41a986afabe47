#!/usr/bin/env bash
# Exports every shipped scenario to every engine and checks what was written, beyond what the tests do, against JSON schemas that are not
# ours: SCHEMAS_DIR holds them as kubernetes-json-schema (statefulset-apps-v1.json, also with _definitions.json) and as CRDs-catalog
# (chaos-mesh.org/workflow_v1alpha1.json) have them, and compose-spec.json. Needs python3 with jsonschema and PyYAML, which reads YAML 1.1 as
# kubectl does. Compose files are read by docker compose, too, where that is.
# Exit codes: 0 all fit, 1 something doesn't, 2 a schema is missing, 3 a bad argument, 4 python3 lacks something.
set -euo pipefail
schemas=$(cd "${1:?the folder of schemas}" && pwd) || exit 3
cd "$(dirname "$0")/.."
python3 -c 'import jsonschema, referencing, yaml' || { echo "python3 needs jsonschema and PyYAML" >&2; exit 4; }
cargo build --release -q -p harness
lockstep=${CARGO_TARGET_DIR:-target}/release/lockstep
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for scenario in $(find scenarios -name '*.yaml' | sort); do
  name=${scenario#scenarios/}
  for engine in compose kubernetes; do
    "$lockstep" export "$engine" "$scenario" --out "$out/$engine/${name%.yaml}" >/dev/null
  done
done
read_by=nobody
for command in "docker compose" docker-compose; do
  if $command version >/dev/null 2>&1; then read_by=$command && break; fi
done
if [ "$read_by" != nobody ]; then
  while read -r file; do $read_by -f "$file" config -q; done < <(find "$out/compose" -name compose.yaml)
fi
echo "compose files were read by $read_by"
python3 - "$schemas" "$out" <<'PYTHON'
import collections, json, pathlib, re, sys
import jsonschema, referencing, yaml

schemas, out = map(pathlib.Path, sys.argv[1:])
found, missing, wrong = collections.Counter(), collections.Counter(), 0

def closed(schema):
    """What a schema does not name is not allowed."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: closed(part) for key, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        schema.setdefault("additionalProperties", False)
    return schema

def read(path):
    return closed(json.loads(path.read_text()))

def validator(names):
    path = next((schemas / name for name in names if (schemas / name).is_file()), None)
    if path is None:
        return None
    local = lambda uri: referencing.Resource.from_contents(
        read(path.parent / uri.rsplit("/", 1)[-1]), default_specification=referencing.jsonschema.DRAFT7)
    schema = read(path)
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft7Validator)
    return kind(schema, registry=referencing.Registry(retrieve=local))

def names(document):
    group, _, version = document["apiVersion"].rpartition("/")
    kind = document["kind"].lower()
    parts = [kind, version] if not group else [kind, group.split(".")[0], version]
    return ["-".join(parts) + ".json", f"{kind}-{group}-{version}.json", f"{group}/{kind}_{version}.json"]

def complain(path, where, what):
    global wrong
    wrong += 1
    print(f"{path.relative_to(out)}: {where}: {what}")

DURATION = re.compile(r"^-?[0-9]+(us|ms|s|m|h)$")
DURATIONS = {"deadline", "duration", "latency", "jitter", "timeOffset"}
PERCENTAGES = {"correlation", "loss", "duplicate", "corrupt", "reorder"}
NEEDS = {"delay": ["delay"], "loss": ["loss"], "duplicate": ["duplicate"], "bandwidth": ["bandwidth"], "partition": ["direction", "target"]}

def chaos(path, value, where=""):
    """What Chaos Mesh's own schemas let pass."""
    if isinstance(value, list):
        for number, part in enumerate(value):
            chaos(path, part, f"{where}[{number}]")
    if not isinstance(value, dict):
        return
    for key, part in value.items():
        here = f"{where}.{key}"
        if key in DURATIONS and not (isinstance(part, str) and DURATION.match(part)):
            complain(path, here, f"{part!r} is no duration")
        if key in PERCENTAGES and not isinstance(part, dict):
            try:
                fits = isinstance(part, str) and 0 <= float(part) <= 100
            except ValueError:
                fits = False
            if not fits:
                complain(path, here, f"{part!r} is no percentage")
        chaos(path, part, here)
    if "action" in value:
        for need in NEEDS.get(value["action"], []):
            if need not in value:
                complain(path, where, f"{value['action']} without {need}")
    if "templateType" in value and "duration" in (value.get("networkChaos") or value.get("podChaos") or value.get("timeChaos") or {}):
        complain(path, where, "a duration in a Workflow, where the deadline is")

validators = {}
for path in sorted(out.rglob("*.yaml")):
    for document in yaml.load_all(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if path.name == "compose.yaml":
            kind, candidates = "compose file", ["compose-spec.json"]
        else:
            kind, candidates = f"{document['apiVersion']} {document['kind']}", names(document)
        if kind not in validators:
            validators[kind] = validator(candidates)
        if validators[kind] is None:
            missing[kind] += 1
        else:
            found[kind] += 1
            for error in validators[kind].iter_errors(document):
                complain(path, error.json_path, error.message[:300])
        if "chaos-mesh" in kind:
            chaos(path, document["spec"])
for kind, count in sorted(found.items()):
    print(f"{count} of {kind} checked")
for kind, count in sorted(missing.items()):
    print(f"{count} of {kind} NOT checked: there is no schema")
print(f"{wrong} complaints")
sys.exit(1 if wrong else 2 if missing else 0)
PYTHON

# The harness, for shards of scenarios in the simulation: `lockstep image build --harness` makes the context.
FROM scratch
COPY lockstep /
USER 65532:65532
ENTRYPOINT ["/lockstep"]

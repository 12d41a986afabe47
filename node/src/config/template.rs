//! A `config.toml` to start from.

/// Every key with what it does, its range and its default, commented out where the default holds.
const TEMPLATE: &str = include_str!("template.toml");

/// The template with some keys set: each `(table, key, value)`, the value as TOML.
///
/// # Panics
/// Where the template has no such key.
pub fn template(set: &[(&str, &str, String)]) -> String {
    let mut lines: Vec<String> = TEMPLATE.lines().map(str::to_owned).collect();
    for (table, key, value) in set {
        let start = lines.iter().position(|line| *line == format!("[{table}]"));
        let mut inside = lines.iter().enumerate().skip(start.expect("the template has the table") + 1);
        // A key without a default is shown at the end of its description.
        let shows =
            |line: &str| line.starts_with(&format!("#{key} = ")) || line.contains(&format!(" Example: {key} = "));
        let (place, line) = inside.find(|(_, line)| shows(line)).expect("the template has the key");
        let is_default = line.starts_with(&format!("#{key}"));
        lines.splice(place + usize::from(!is_default)..=place, [format!("{key} = {value}")]);
    }
    lines.join("\n") + "\n"
}

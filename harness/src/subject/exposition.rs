//! Prometheus' text format, read.
use std::collections::BTreeMap;

/// Each metric's name, with labels as written, and its value. What is no such line is passed over.
pub fn values(text: &str) -> BTreeMap<String, f64> {
    let value = |line: &str| {
        let (name, value) = line.rsplit_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    text.lines().filter(|line| !line.starts_with('#')).filter_map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_labels_and_values() {
        let text = "# HELP a b 5\n# TYPE a gauge\na 5\nb{le=\"+Inf\"} 1.5e3\nc NaN\n\njunk\n";
        let read = values(text);
        assert_eq!((read["a"], read["b{le=\"+Inf\"}"], read.len()), (5.0, 1500.0, 3));
        assert!(read["c"].is_nan());
    }
}

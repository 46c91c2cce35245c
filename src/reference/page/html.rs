//! Text as HTML.

use serde::Serialize;

/// A text as text of a page, or between quotes as an attribute's value. Signs that HTML cannot
/// hold are shown as one that it can.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(sign),
            other if other.is_control() => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

/// A value as JSON in one line, which holds any text exactly: attributes that the script reads.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A value as JSON to read: in one line while that is short.
pub(super) fn pretty(value: &serde_json::Value) -> String {
    let long = format!("{value:#}");
    let line = long.lines().fold(String::new(), |mut line, part| {
        let part = part.trim_start();
        let is_first = line.is_empty() || line.ends_with('[') || part.starts_with(']');
        if !is_first {
            line.push(' ');
        }
        line + part
    });
    // No text of a value has a line's end in it, nor an end of a line that is a bracket.
    if line.len() <= 64 { line } else { long }
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn short_values_stand_in_one_line() {
        let value = serde_json::json!({ "a": [1, [], {}], "b": "x[\n ]", "c": {} });
        let line = r#"{ "a": [1, [], {}], "b": "x[\n ]", "c": {} }"#;
        assert_eq!(super::pretty(&value), line);
        let long = serde_json::json!({ "a": "x".repeat(60) });
        assert_eq!(super::pretty(&long), format!("{long:#}"));
    }

    #[test]
    fn nothing_of_a_text_is_markup() {
        assert_eq!(
            escape("</script><a b='c' d=\"e\">&amp;\u{0}\n"),
            "&lt;/script&gt;&lt;a b=&#39;c&#39; d=&quot;e&quot;&gt;&amp;amp;\u{fffd}\n"
        );
    }
}

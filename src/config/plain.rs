//! What the parser says of a setting, for those who do not know Rust.

/// Keys that differ by more than this part of their letters are not taken for one another.
pub(super) const ALIKE: f64 = 0.75;

/// A fault with what was expected in plain words; of an unknown key the one that it is like.
pub(super) fn plain(message: &str) -> String {
    let Some((before, rest)) = message.rsplit_once(", expected ") else {
        return message.to_owned();
    };
    let (kind, after) = rest.split_at(rest.find('\n').unwrap_or(rest.len()));
    let kind = match kind {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "a boolean" => "true or false",
        "a sequence" => "a list, such as [\"a\", \"b\"]",
        "a string" => "a text in quotes",
        keys => {
            return match likely(before, keys) {
                Some(key) => format!("{before}; did you mean `{key}`?{after}"),
                None => message.to_owned(),
            };
        }
    };
    format!("{before}, expected {kind}{after}")
}

/// Of the keys that there are the one that is most like an unknown one, if one is.
fn likely<'a>(before: &str, keys: &'a str) -> Option<&'a str> {
    let (_, unknown) = before.rsplit_once("unknown field `")?;
    let unknown = unknown.trim_end_matches('`').to_lowercase();
    // Each stands between two marks.
    let keys = keys.split('`').skip(1).step_by(2);
    let alike = |key: &str| strsim::normalized_damerau_levenshtein(&unknown, &key.to_lowercase());
    keys.map(|key| (alike(key), key))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_told_with_the_one_it_is_like() {
        let keys = "expected one of `pingInterval`, `pingTimeout`, `origins`";
        let told =
            |unknown: &str| plain(&format!("unknown field `{unknown}`, {keys}\nin `server`"));
        for (unknown, meant) in [
            ("pingIntervall", "pingInterval"),
            ("ping_timeout", "pingTimeout"),
            ("PingTimeout", "pingTimeout"),
            ("orgins", "origins"),
        ] {
            let expected =
                format!("unknown field `{unknown}`; did you mean `{meant}`?\nin `server`");
            assert_eq!(told(unknown), expected);
        }
        // Who is far from all of them is told all of them.
        let expected = format!("unknown field `timeout`, {keys}\nin `server`");
        assert_eq!(told("timeout"), expected);
        // Two are told in another way.
        assert_eq!(
            plain("unknown field `lisst`, expected `list` or `dict`"),
            "unknown field `lisst`; did you mean `list`?"
        );
    }

    #[test]
    fn types_are_told_in_words() {
        for (told, plainly) in [
            (
                "invalid type: string \"a\", expected u64\n",
                "invalid type: string \"a\", expected a whole number, 0 or more\n",
            ),
            (
                "invalid type: integer `1`, expected a boolean",
                "invalid type: integer `1`, expected true or false",
            ),
            (
                "invalid type: integer `1`, expected struct Config",
                "invalid type: integer `1`, expected struct Config",
            ),
            (
                "string values must be quoted",
                "string values must be quoted",
            ),
        ] {
            assert_eq!(plain(told), plainly);
        }
    }
}

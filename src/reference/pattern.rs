//! Regular expressions that mean the same in Rust and in JavaScript.

/// An expression that schemas may hold, where tools read it as JavaScript does: the part of the
/// syntax that both share. None for one with more in it, because a tool that cannot read a
/// pattern refuses the whole document.
pub(super) fn portable(expression: &str) -> Option<String> {
    let mut signs = expression.chars().peekable();
    let mut repeatable = false;
    while let Some(sign) = signs.next() {
        repeatable = match sign {
            '\\' => {
                let escaped = signs.next()?;
                if !is_escape(escaped) {
                    return None;
                }
                // `\b` stands between two signs, and nothing can repeat that.
                escaped != 'b'
            }
            '[' => {
                class(&mut signs)?;
                true
            }
            '(' => {
                if signs.next_if_eq(&'?').is_some() && signs.next()? != ':' {
                    return None;
                }
                false
            }
            ')' => true,
            '*' | '+' | '?' => {
                if !repeatable {
                    return None;
                }
                signs.next_if_eq(&'?');
                false
            }
            '{' => {
                if !repeatable {
                    return None;
                }
                count(&mut signs)?;
                signs.next_if_eq(&'?');
                false
            }
            '^' | '$' | '|' => false,
            ']' | '}' => return None,
            other => {
                if !is_plain(other) {
                    return None;
                }
                true
            }
        };
    }
    Some(expression.to_owned())
}

type Signs<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn is_escape(sign: char) -> bool {
    matches!(
        sign,
        'd' | 'D' | 'w' | 'W' | 's' | 'S' | 'b' | 'n' | 'r' | 't'
    ) || "^$\\.*+?()[]{}|/".contains(sign)
}

/// Beyond that range JavaScript may count one sign as two.
fn is_plain(sign: char) -> bool {
    !sign.is_control() && u32::from(sign) < 0xd800
}

/// The rest of `[…]`. Sets in sets and their operators are Rust's own.
fn class(signs: &mut Signs<'_>) -> Option<()> {
    signs.next_if_eq(&'^');
    let mut is_empty = true;
    let mut after_set = false;
    loop {
        let sign = signs.next()?;
        let next = signs.peek().copied();
        match sign {
            ']' if is_empty => return None,
            ']' => return Some(()),
            '[' => return None,
            '&' | '~' | '-' if next == Some(sign) => return None,
            // A set cannot be an end of a range.
            '-' if after_set && next != Some(']') => return None,
            '\\' => {
                let escaped = signs.next()?;
                if escaped == 'b' || !(is_escape(escaped) || escaped == '-') {
                    return None;
                }
                after_set = matches!(escaped, 'd' | 'D' | 'w' | 'W' | 's' | 'S');
                is_empty = false;
                continue;
            }
            other if !is_plain(other) => return None,
            '-' if !is_empty && matches!(next, Some('\\')) => return None,
            _ => {}
        }
        after_set = false;
        is_empty = false;
    }
}

/// The rest of `{n}`, `{n,}` or `{n,m}`.
fn count(signs: &mut Signs<'_>) -> Option<()> {
    let digits = |signs: &mut Signs<'_>| {
        let mut some = false;
        while signs.next_if(char::is_ascii_digit).is_some() {
            some = true;
        }
        some
    };
    if !digits(signs) {
        return None;
    }
    if signs.next_if_eq(&',').is_some() {
        digits(signs);
    }
    (signs.next()? == '}').then_some(())
}

#[cfg(test)]
mod tests {
    use super::portable;

    #[test]
    fn what_both_languages_read_alike_is_kept() {
        for kept in [
            "^[A-Z]{3}-[0-9]+$",
            "^(?:a|b)*?$",
            r"^\d{1,3}(\.\d+)?$",
            r"[^\s\-]+",
            "[-a-z_-]",
            "",
            "^ü$",
            "a{2,}",
        ] {
            assert_eq!(portable(kept).as_deref(), Some(kept));
        }
        for own in [
            "(?i)a",
            "(?P<n>a)",
            r"\pL",
            r"\p{Greek}",
            r"\x41",
            r"\A",
            r"\z",
            r"a\-b",
            r"\#",
            "[[:alpha:]]",
            "[a&&b]",
            "[a--b]",
            "[]a]",
            "a**",
            "^*",
            "a{,3}",
            "a}",
            "a]",
            "😀",
            r"\b+",
        ] {
            assert_eq!(portable(own), None, "{own}");
        }
    }
}

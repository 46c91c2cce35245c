//! Texts of clients in the server's own texts.

use std::borrow::Cow;

/// Truncates client input for use in an error message. Absent input is `undefined`.
pub(crate) fn truncate_for_error(text: Option<&str>) -> Cow<'_, str> {
    const MAX: usize = 200;
    let Some(text) = text else {
        return "undefined".into();
    };
    if text.len() <= MAX {
        return text.into();
    }
    let mut end = MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end]).into()
}

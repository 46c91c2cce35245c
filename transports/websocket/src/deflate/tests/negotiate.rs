//! Offers and answers.

use http::HeaderValue;

use crate::deflate::{DeflateConfig, negotiate};

fn answer_to(config: &DeflateConfig, lines: &[&str]) -> Option<String> {
    let lines: Vec<_> = lines
        .iter()
        .map(|line| HeaderValue::from_str(line).unwrap())
        .collect();
    negotiate(config, &lines).map(|(_, answer)| answer.to_str().unwrap().to_owned())
}

fn free() -> DeflateConfig {
    super::with_takeover()
}

#[test]
fn the_answer_names_what_was_agreed() {
    let cases = [
        ("permessage-deflate", "permessage-deflate"),
        (
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate",
        ),
        (
            "Permessage-Deflate;Client_Max_Window_Bits",
            "permessage-deflate",
        ),
        (
            "permessage-deflate; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover",
        ),
        (
            "permessage-deflate;\tclient_no_context_takeover ;server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        ),
        (
            "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate; server_max_window_bits=10",
        ),
        (
            "permessage-deflate; server_max_window_bits = \"1\\0\"",
            "permessage-deflate; server_max_window_bits=10",
        ),
        (
            "permessage-deflate; server_max_window_bits=15; client_max_window_bits=15",
            "permessage-deflate; server_max_window_bits=15",
        ),
        (
            "permessage-deflate; client_max_window_bits=8",
            "permessage-deflate; client_max_window_bits=8",
        ),
        // The order of RFC 7692 §7: the first that can be met.
        (
            "permessage-deflate; server_max_window_bits=8, \
             permessage-deflate; server_max_window_bits=9",
            "permessage-deflate; server_max_window_bits=9",
        ),
        (
            "foo; bar=\"a, b; c\", , permessage-deflate",
            "permessage-deflate",
        ),
        (
            "permessage-deflate; mode=\"x,permessage-deflate\", permessage-deflate",
            "permessage-deflate",
        ),
    ];
    for (offer, answer) in cases {
        assert_eq!(
            answer_to(&free(), &[offer]).as_deref(),
            Some(answer),
            "{offer}"
        );
    }
}

#[test]
fn offers_that_cannot_be_met_are_declined() {
    let cases = [
        "",
        "x-webkit-deflate-frame",
        "permessage-deflat",
        "permessage-bzip2",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; server_max_window_bits=+9",
        "permessage-deflate; server_max_window_bits=1e1",
        "permessage-deflate; server_max_window_bits=\"\"",
        "permessage-deflate; client_max_window_bits=0",
        "permessage-deflate; client_max_window_bits=99999999999999999999",
        "permessage-deflate; server_no_context_takeover=true",
        "permessage-deflate; client_no_context_takeover=\"\"",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_no_context_takeover; Server_no_context_takeover",
        "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
        "permessage-deflate; unknown",
        "permessage-deflate; unknown=1",
        // What makes no sense, with what could have followed.
        "permessage-deflate;",
        "permessage-deflate; =1",
        "permessage-deflate; client_max_window_bits=",
        "permessage-deflate; client_max_window_bits=\"10",
        "permessage-deflate; client_max_window_bits=\"10\\",
        "permessage-deflate client_max_window_bits",
        "permessage-deflate; client_max_window_bits=\"10\"11",
        "permessage-deflate/2",
        "@, permessage-deflate",
    ];
    for offer in cases {
        assert_eq!(answer_to(&free(), &[offer]), None, "{offer}");
    }
    assert_eq!(answer_to(&free(), &[]), None);
}

#[test]
fn lines_are_one_list_and_a_bad_one_ends_alone() {
    let lines = [
        "permessage-deflate; =",
        "foo",
        "permessage-deflate; unknown, permessage-deflate",
    ];
    assert_eq!(
        answer_to(&free(), &lines).as_deref(),
        Some("permessage-deflate")
    );
    let bytes = HeaderValue::from_bytes(b"permessage-deflate; \xff").unwrap();
    assert!(negotiate(&free(), [&bytes]).is_none());
}

#[test]
fn the_server_can_ask_for_less() {
    let config = DeflateConfig {
        server_max_window_bits: 12,
        client_max_window_bits: 11,
        ..DeflateConfig::default()
    };
    let start = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    let cases = [
        ("permessage-deflate", "; server_max_window_bits=12"),
        (
            "permessage-deflate; client_max_window_bits",
            "; server_max_window_bits=12; client_max_window_bits=11",
        ),
        (
            "permessage-deflate; client_max_window_bits=10; server_max_window_bits=14",
            "; server_max_window_bits=12; client_max_window_bits=10",
        ),
        (
            "permessage-deflate; server_max_window_bits=9",
            "; server_max_window_bits=9",
        ),
    ];
    for (offer, end) in cases {
        assert_eq!(
            answer_to(&config, &[offer]),
            Some(format!("{start}{end}")),
            "{offer}"
        );
    }
}

#[test]
fn what_was_agreed_is_told() {
    let agreed = super::agreed(
        "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9; \
         client_no_context_takeover",
        &free(),
    );
    assert!(!agreed.server_no_context_takeover);
    assert!(agreed.client_no_context_takeover);
    assert_eq!(
        (agreed.server_max_window_bits, agreed.client_max_window_bits),
        (10, 9)
    );
    // A client that does not let the server say uses what it likes.
    let config = DeflateConfig {
        client_max_window_bits: 9,
        ..free()
    };
    assert_eq!(
        super::agreed("permessage-deflate", &config).client_max_window_bits,
        15
    );
}

#[test]
fn settings_out_of_range_are_named_and_harmless() {
    assert_eq!(DeflateConfig::default().validate(), Ok(()));
    let config = DeflateConfig {
        level: 0,
        server_max_window_bits: 8,
        client_max_window_bits: 99,
        ..free()
    };
    assert_eq!(
        config.validate().unwrap_err().to_string(),
        "level must be from 1 to 9, not 0"
    );
    let config = DeflateConfig { level: 1, ..config };
    assert_eq!(
        config.validate().unwrap_err().to_string(),
        "serverMaxWindowBits must be from 9 to 15, not 8"
    );
    let agreed = super::agreed("permessage-deflate; client_max_window_bits", &config);
    assert_eq!(
        (agreed.server_max_window_bits, agreed.client_max_window_bits),
        (9, 15)
    );
}

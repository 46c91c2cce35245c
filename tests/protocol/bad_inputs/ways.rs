//! The ways that parameters can come: by message in either codec, over HTTP in any form.

use serde_json::Value;
use stellarfw::{Builder, transport::Parser};

use crate::support::{Host, Peer, host};

/// A way for parameters to reach an action.
enum Way<'h> {
    Message(Box<Peer>),
    /// An HTTP request with its parameters written in this form.
    Http(&'h Host, Form),
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Json,
    Query,
    UrlEncoded,
    Multipart,
}

impl Way<'_> {
    /// Calls an action; its answer without what every answer has.
    async fn call(&mut self, action: &str, params: &Value) -> Value {
        match self {
            Self::Message(peer) => {
                let mut params = params.clone();
                params["action"] = action.into();
                peer.call(params).await
            }
            Self::Http(host, form) => call_by_http(host, *form, action, params).await,
        }
    }

    /// Whether all of the parameters can be written in its form.
    fn can_carry(&self, params: &Value) -> bool {
        let is_text = |value: &Value| match value {
            Value::String(_) => true,
            // One that comes twice makes a list.
            Value::Array(list) => list.len() > 1 && list.iter().all(Value::is_string),
            _ => false,
        };
        match self {
            Self::Message(_) | Self::Http(_, Form::Json) => true,
            Self::Http(_, Form::Query) => {
                // URLs have a length.
                params.to_string().len() < 4_000
                    && params.as_object().unwrap().values().all(is_text)
            }
            Self::Http(..) => params.as_object().unwrap().values().all(is_text),
        }
    }
}

/// The parameters one after the other, lists item by item.
fn pairs(params: &Value) -> Vec<(&str, &str)> {
    let mut pairs = Vec::new();
    for (key, value) in params.as_object().unwrap() {
        let one = std::slice::from_ref(value);
        for value in value.as_array().map_or(one, Vec::as_slice) {
            pairs.push((key.as_str(), value.as_str().unwrap()));
        }
    }
    pairs
}

fn urlencoded(params: &Value) -> String {
    let encode = |text: &str| -> String {
        let byte = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    let pair = |(key, value)| format!("{}={}", encode(key), encode(value));
    pairs(params)
        .into_iter()
        .map(pair)
        .collect::<Vec<_>>()
        .join("&")
}

fn multipart(params: &Value) -> String {
    let mut body = String::new();
    for (key, value) in pairs(params) {
        body.push_str(&format!(
            "--XX\r\nContent-Disposition: form-data; name=\"{key}\"\r\n\r\n{value}\r\n"
        ));
    }
    body + "--XX--\r\n"
}

async fn call_by_http(host: &Host, form: Form, action: &str, params: &Value) -> Value {
    let line = format!("POST /api/{action}");
    let (line, mime, body) = match form {
        Form::Query => (
            format!("GET /api/{action}?{}", urlencoded(params)),
            "",
            String::new(),
        ),
        Form::Json => (line, "application/json", params.to_string()),
        Form::UrlEncoded => (
            line,
            "application/x-www-form-urlencoded",
            urlencoded(params),
        ),
        Form::Multipart => (line, "multipart/form-data; boundary=XX", multipart(params)),
    };
    let headers = [("Content-Type", mime)];
    let headers = if mime.is_empty() {
        &[][..]
    } else {
        &headers[..]
    };
    let reply = host.http(&line, headers, body.as_bytes()).await;
    let mut fields = reply.json();
    let expected = if fields.get("error").is_some() {
        400
    } else {
        200
    };
    assert_eq!(reply.status, expected, "{fields}");
    let map = fields.as_object_mut().unwrap();
    assert!(map.remove("serverInformation").is_some());
    assert!(map.remove("requesterInformation").is_some());
    fields
}

async fn message_pack(host: &Host) -> Peer {
    let peer = host.connect("/primus", &[]).await.unwrap();
    let mut peer = peer.speaking(Parser::MessagePack);
    peer.welcomed().await;
    peer
}

/// Calls by every way that can carry it, and expects the same answer.
pub(super) async fn every_way(
    build: impl Fn(Parser) -> Builder,
    cases: impl IntoIterator<Item = (String, Value, Value)>,
) {
    let json = host(build(Parser::Json)).await;
    let packed = host(build(Parser::MessagePack)).await;
    let mut ways = [
        Way::Message(Box::new(json.peer().await)),
        Way::Message(Box::new(message_pack(&packed).await)),
        Way::Http(&json, Form::Json),
        Way::Http(&json, Form::Query),
        Way::Http(&json, Form::UrlEncoded),
        Way::Http(&packed, Form::Multipart),
    ];
    let mut called = [0; 6];
    for (action, params, answer) in cases {
        for (way, called) in ways.iter_mut().zip(&mut called) {
            if way.can_carry(&params) {
                let got = way.call(&action, &params).await;
                let told: String = params.to_string().chars().take(200).collect();
                assert!(got == answer, "{action}: {told}\n{got:.300}\n{answer:.300}");
                *called += 1;
            }
        }
    }
    assert!(called.iter().all(|called| *called > 0), "{called:?}");
    for host in [&json, &packed] {
        for connection in host.stellar.connections() {
            assert_eq!(connection.pending_actions(), 0);
        }
    }
}

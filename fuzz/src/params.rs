//! Parameters of actions, over every encoding.

use std::collections::BTreeMap;

use axum::{
    Router,
    body::{Body, to_bytes},
};
use http::{Request, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stellarfw::{
    Stellar,
    actions::{ActionResult, Params},
    transport::Parser,
};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use super::{Wire, built, runtime};

/// A type with many kinds of fields.
#[derive(Serialize, Deserialize)]
struct Typed {
    int: i32,
    #[serde(default)]
    long: Option<u64>,
    #[serde(default)]
    tiny: u8,
    #[serde(default)]
    float: Option<f64>,
    #[serde(default)]
    flag: bool,
    #[serde(default)]
    text: String,
    #[serde(default)]
    letter: Option<char>,
    #[serde(default)]
    list: Vec<i64>,
    #[serde(default)]
    pair: Option<(bool, String)>,
    #[serde(default)]
    map: BTreeMap<String, f32>,
    #[serde(default)]
    choice: Option<Choice>,
    #[serde(default)]
    inner: Option<Box<Typed>>,
    #[serde(default)]
    wrapped: Option<Wrapped>,
    #[serde(default)]
    any: Value,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Choice {
    Unit,
    Newtype(u16),
    Tuple(u8, u8),
    Struct { a: bool },
}

#[derive(Serialize, Deserialize)]
struct Wrapped(i16);

thread_local! {
    static SERVERS: Servers = Servers::new();
}

/// Sends the input as parameters of a typed action: in a JSON message, in a MessagePack message, as a
/// JSON body and as a form.
///
/// Each gets a response, and the first three responses are equal.
pub fn params(bytes: &[u8]) {
    SERVERS.with(|servers| servers.check(bytes));
}

struct Servers {
    runtime: Runtime,
    json: Stellar,
    router: Router,
    message_pack: Stellar,
}

impl Servers {
    fn new() -> Self {
        let runtime = runtime();
        let server = |parser| {
            let builder = Stellar::builder().configure(|config| config.max_body = 1 << 16);
            let typed =
                async |Params(typed): Params<Typed>| ActionResult::Ok(json!({ "ok": typed }));
            built(&runtime, builder.action("typed", typed), parser)
        };
        let json = server(Parser::Json);
        Self {
            router: json.router(),
            json,
            message_pack: server(Parser::MessagePack),
            runtime,
        }
    }

    fn check(&self, bytes: &[u8]) {
        self.runtime.block_on(async {
            self.over_http("application/x-www-form-urlencoded", bytes.to_vec())
                .await;
            self.over_http("application/json", bytes.to_vec()).await;
            let Ok(Value::Object(mut map)) = serde_json::from_slice(bytes) else {
                return;
            };
            // The name precedes the text, so that the rest is parsed verbatim.
            let named = String::from_utf8_lossy(bytes).replacen('{', r#"{"action":"typed","#, 1);
            let named = named.replacen(r#""typed",}"#, r#""typed"}"#, 1);
            map.remove("action");
            map.remove("apiVersion");
            let plain = json!({ "action": "typed" });
            let Value::Object(mut plain) = plain else {
                return;
            };
            plain.append(&mut map);
            if serde_json::from_str::<Value>(&named).ok() != Some(Value::Object(plain.clone())) {
                // The input names an action itself, or is not an object.
                return;
            }
            let first = over_message(&self.json, &named).await;
            let tree = serde_json::to_string(&plain).unwrap_or_else(|error| panic!("{error}"));
            let second = over_message(&self.message_pack, &tree).await;
            assert_eq!(first, second, "JSON and MessagePack differ for {named}");
            if tree.len() < 1 << 16 {
                let mut third = self.over_http("application/json", tree.into_bytes()).await;
                for key in ["serverInformation", "requesterInformation"] {
                    third.as_object_mut().and_then(|fields| fields.remove(key));
                }
                assert_eq!(first, third, "a message and HTTP differ for {named}");
            }
        });
    }

    async fn over_http(&self, mime: &str, body: Vec<u8>) -> Value {
        let request = Request::post("/api/typed")
            .header(header::CONTENT_TYPE, mime)
            .body(Body::from(body));
        let request = request.unwrap_or_else(|error| panic!("{error}"));
        let Ok(response) = self.router.clone().oneshot(request).await;
        let status = response.status();
        let known = matches!(
            status,
            StatusCode::OK
                | StatusCode::BAD_REQUEST
                // An unknown version.
                | StatusCode::NOT_FOUND
                | StatusCode::PAYLOAD_TOO_LARGE
        );
        assert!(known, "{status}");
        let bytes = to_bytes(response.into_body(), usize::MAX).await;
        let bytes = bytes.unwrap_or_else(|error| panic!("{error}"));
        let value: Value = match serde_json::from_slice(&bytes) {
            Ok(value) => value,
            Err(error) => panic!("not JSON: {error}"),
        };
        assert_eq!(
            status == StatusCode::OK,
            value.get("error").is_none(),
            "{value}"
        );
        value
    }
}

/// Calls an action over a connection. Returns the response without the common fields.
async fn over_message(stellar: &Stellar, params: &str) -> Value {
    let parser = stellar.transport().parser().clone();
    let mut wire = Wire::open(stellar, "/primus").await;
    wire.take();
    let text = format!(r#"{{"event":"action","params":{params}}}"#);
    match &parser {
        Parser::Json => wire.receive(stellarfw::transport::Message::Text(&text)),
        _ => {
            let value: Value =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}"));
            let frame = parser
                .encode(&value)
                .unwrap_or_else(|error| panic!("{error}"));
            wire.receive(frame.as_message());
        }
    }
    let frames = wire.take();
    let [frame] = frames.as_slice() else {
        panic!("{} responses to {text}", frames.len());
    };
    let mut response: Value = match parser.decode(frame.as_message()) {
        Ok(response) => response,
        Err(error) => panic!("{error}"),
    };
    if let Some(fields) = response.as_object_mut() {
        assert_eq!(fields.remove("messageCount"), Some(json!(1)));
        assert_eq!(fields.remove("context"), Some(json!("response")));
    }
    response
}

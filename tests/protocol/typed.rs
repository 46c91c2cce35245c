//! Actions that are described by their Rust types: what is checked, and what the documents say.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stellarfw::{
    Builder, Stellar,
    actions::{
        Action, ActionError, ActionResult, Call, DescribeParams, Format, FromCall, Input, Params,
        SendFile, Shared,
    },
};

use crate::support::{error, host};

/// An orbit
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Orbit {
    #[schemars(range(min = 0, max = 100))]
    apogee: f64,
    #[serde(rename = "lowest")]
    perigee: Option<f64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Launch {
    /// What it is called: <b>
    #[serde(alias = "title")]
    #[schemars(length(min = 2, max = 8))]
    name: String,
    orbit: Option<Orbit>,
    #[serde(default)]
    #[schemars(inner(range(min = 1)))]
    stages: Vec<u8>,
}

async fn launch(Params(launch): Params<Launch>) -> ActionResult<Orbit> {
    let orbit = launch
        .orbit
        .ok_or_else(|| format!("{} has none", launch.name))?;
    assert!(launch.stages.iter().all(|stage| *stage > 0));
    Ok(orbit)
}

fn typed(action: Action) -> Builder {
    Stellar::builder().add_action(action)
}

async fn documents(builder: Builder) -> (Value, Value, String) {
    let host = host(builder).await;
    (
        host.get("/docs/openapi.json").await.json(),
        host.get("/docs/asyncapi.json").await.json(),
        host.get("/stellar-client.d.ts").await.text().to_owned(),
    )
}

/// The answer's schema in the documents, without what every answer has.
fn answers(openapi: &Value, asyncapi: &Value, name: &str) -> [Value; 2] {
    let content = &openapi["paths"][format!("/api/{name}")]["post"]["responses"]["200"]["content"];
    let message = &asyncapi["components"]["messages"][format!("response.action.{name}")];
    [
        content["application/json"]["schema"]["allOf"][0].clone(),
        message["payload"]["allOf"][1]["anyOf"][0].clone(),
    ]
}

#[tokio::test]
async fn bounds_of_a_type_are_checked_and_types_are_read() {
    #[derive(Deserialize, JsonSchema)]
    struct Sum {
        a: u32,
        #[schemars(range(min = 1))]
        b: u32,
    }
    let builder = typed(Action::typed("launch", launch))
        .typed_action("sum", async |Params(Sum { a, b }): Params<Sum>| {
            ActionResult::Ok(a + b)
        });
    let host = host(builder).await;
    let mut peer = host.peer().await;
    let mut call = async |mut params: Value| {
        params["action"] = "launch".into();
        peer.call(params).await
    };
    let orbit = json!({ "apogee": 100, "lowest": null });
    let answer = json!({ "apogee": 100.0, "lowest": null });
    // Its other name, too, though no schema tells of it.
    for name in ["name", "title"] {
        assert_eq!(
            call(json!({ (name): "Vostok", "orbit": orbit })).await,
            answer
        );
    }
    let cases = [
        (json!({}), json!({ "name": "The name field is required." })),
        (
            json!({ "name": "V", "orbit": { "apogee": 101 }, "stages": [1, 0] }),
            json!({
                "name": "The name must be between 2 and 8 characters.",
                "orbit.apogee": "The orbit.apogee must be between 0 and 100.",
                "stages.1": "The stages.1 must be at least 1.",
            }),
        ),
        (
            json!({ "name": "Vostok", "orbit": 5 }),
            json!({ "orbit": error("003", "Param 'orbit' has an invalid type, expected object") }),
        ),
        (
            json!({ "name": "Vostok", "stages": [256] }),
            json!({ "stages": error("003", "Param 'stages' has an invalid type, expected integer") }),
        ),
    ];
    for (params, expected) in cases {
        let answer = call(params.clone()).await;
        assert_eq!(answer, json!({ "error": expected }), "{params}");
    }
    // All that is missing is named at once, unless another name for it may have been sent.
    let sums = [
        json!({}),
        json!({ "b": 0 }),
        json!({ "b": "x" }),
        json!({ "c": 1 }),
    ];
    let needed = |name: &str| json!(format!("The {name} field is required."));
    let invalid = error("003", "Param 'b' has an invalid type, expected integer");
    for (params, expected) in sums.into_iter().zip([
        json!({ "a": needed("a"), "b": needed("b") }),
        json!({ "b": "The b must be at least 1.", "a": needed("a") }),
        json!({ "b": invalid, "a": needed("a") }),
        json!({ "a": needed("a") }),
    ]) {
        let reply = host.post("/api/sum", &params.to_string()).await;
        assert_eq!(reply.json()["error"], expected, "{params}");
    }
    // No other fields are taken, but those by which an action is called.
    let other = call(json!({ "name": "Vostok", "nme": 1 })).await;
    assert!(other["error"].is_string(), "{other}");
    // Over HTTP, numbers are texts; a list of one has its key once.
    let reply = host.get("/api/launch?name=Vostok&stages=0").await;
    assert_eq!(
        (reply.status, &reply.json()["error"]),
        (
            400,
            &json!({ "stages.0": "The stages.0 must be at least 1." })
        )
    );
    let reply = host.get("/api/launch?name=Vostok&stages=3").await;
    assert_eq!(reply.json()["error"], "Vostok has none");
}

#[tokio::test]
async fn types_are_in_every_document() {
    let (openapi, asyncapi, types) = documents(typed(Action::typed("launch", launch))).await;
    let expected = json!({
        "type": "object",
        "properties": {
            "name": {
                "description": "What it is called: &lt;b>",
                "type": "string", "minLength": 2, "maxLength": 8,
            },
            "orbit": { "anyOf": [
                { "$ref": "#/components/schemas/type.Orbit" },
                { "type": "null" },
            ] },
            "stages": {
                "type": "array",
                "items": { "type": "integer", "format": "uint8", "minimum": 1, "maximum": 255 },
                "default": [],
            },
        },
        "required": ["name"],
    });
    for document in [&openapi, &asyncapi] {
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["action.launch"], expected);
        let orbit = &schemas["type.Orbit"];
        assert_eq!(orbit["description"], "An orbit");
        assert_eq!(orbit["required"], json!(["apogee"]));
        assert_eq!(orbit["additionalProperties"], false);
    }
    // An answer has fields of the protocol's beside its own.
    for answer in answers(&openapi, &asyncapi, "launch") {
        assert_eq!(answer["required"], json!(["apogee", "lowest"]));
        assert_eq!(answer["additionalProperties"], json!(null));
    }
    let get = &openapi["paths"]["/api/launch"]["get"]["parameters"];
    let names: Vec<_> = get.as_array().unwrap().iter().map(|p| &p["name"]).collect();
    assert_eq!(names, ["name", "stages"], "a query holds no object");
    for part in [
        "  export type Orbit = {\n    /** between:0,100 */\n    \"apogee\": number;\n",
        "      \"orbit\"?: StellarTypes.Orbit | null;\n",
        "      /**\n       * What it is called: <b>\n       * between:2,8\n       */\n      \"name\": string;",
    ] {
        assert!(types.contains(part), "no {part} in {types}");
    }
}

#[tokio::test]
async fn nothing_declared_is_open() {
    let builder = Stellar::builder()
        .action(
            "greet",
            async |Params(params): Params<HashMap<String, Value>>| {
                ActionResult::Ok(json!({ "greeting": params.get("name") }))
            },
        )
        .typed_action("reads", async |call: Call| ActionResult::Ok(call.value()))
        .typed_action("any", async |Params(any): Params<Value>| {
            ActionResult::Ok(any)
        });
    let (openapi, asyncapi, types) = documents(builder).await;
    for name in ["greet", "reads", "any"] {
        let key = format!("action.{name}");
        for document in [&openapi, &asyncapi] {
            assert_eq!(
                document["components"]["schemas"][&key],
                json!({ "type": "object" })
            );
        }
        let path = &openapi["paths"][format!("/api/{name}")];
        let body = &path["post"]["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(body["$ref"], format!("#/components/schemas/{key}"));
        let query = &path["get"]["parameters"][0];
        assert_eq!(
            (&query["explode"], &query["schema"]["additionalProperties"]),
            (&json!(true), &json!(true))
        );
        let member = format!(
            "  \"{name}\": {{\n    params: Record<string, unknown>;\n    result: Record<string, unknown>;\n"
        );
        assert!(types.contains(&member), "no {member} in {types}");
    }
}

/// An extractor of the application's own.
struct Locale(String);

impl FromCall for Locale {
    fn from_call(call: &Call) -> Result<Self, ActionError> {
        let value = call.value();
        Ok(Self(value["locale"].as_str().unwrap_or("en").to_owned()))
    }
}

impl DescribeParams for Locale {
    fn describe(params: &mut stellarfw::actions::ParamsSchema) {
        #[derive(JsonSchema)]
        #[allow(dead_code, reason = "only its schema is used")]
        struct Fields {
            locale: Option<String>,
        }
        params.reads::<Fields>();
    }
}

#[tokio::test]
async fn several_extractors_describe_one_call() {
    let action = Action::typed(
        "launch",
        async |Locale(locale): Locale, _: Shared<u8>, Params(launch): Params<Launch>| {
            ActionResult::Ok(format!("{locale}: {}", launch.name.len()))
        },
    );
    let (openapi, asyncapi, types) = documents(typed(action).share(1_u8)).await;
    let get = &openapi["paths"]["/api/launch"]["get"]["parameters"];
    let names: Vec<_> = get.as_array().unwrap().iter().map(|p| &p["name"]).collect();
    assert_eq!(names, ["locale", "name", "stages"]);
    assert!(types.contains("\"locale\"?: string | null;"), "{types}");
    for answer in answers(&openapi, &asyncapi, "launch") {
        assert_eq!(
            answer["properties"],
            json!({ "data": { "type": "string" } })
        );
    }
}

#[tokio::test]
async fn what_is_declared_by_hand_adds_to_the_type() {
    let action = Action::typed("launch", launch)
        .input(
            Input::optional("name")
                .describe("By hand")
                .default("Vostok")
                .validate("alpha"),
        )
        .input(
            Input::required("pad")
                .format(Format::Integer)
                .validate("max:9"),
        )
        .middleware("pad");
    let middleware = stellarfw::actions::Middleware::new("pad");
    let host = host(typed(action).middleware(middleware)).await;
    let openapi = host.get("/docs/openapi.json").await.json();
    let schema = &openapi["components"]["schemas"]["action.launch"];
    assert_eq!(schema["required"], json!(["pad"]));
    let name = &schema["properties"]["name"];
    assert_eq!(name["allOf"][0]["description"], "By hand");
    assert_eq!(name["allOf"][0]["default"], "Vostok");
    assert_eq!(name["allOf"][0]["minLength"], 2);
    assert_eq!(name["allOf"][1]["pattern"], "^[A-Za-z]*$");
    assert_eq!(schema["properties"]["pad"]["maximum"], 9);

    // Both judge, and the default fills in first. One name is told for one input.
    let error =
        async |query: &str| host.get(&format!("/api/launch?{query}")).await.json()["error"].clone();
    assert_eq!(
        error("name=1").await,
        json!({
            "name": "The name must only contain letters.",
            "pad": "The pad field is required.",
        })
    );
    assert_eq!(
        error("name=V&pad=1").await,
        json!({ "name": "The name must be between 2 and 8 characters." })
    );
    // The type takes no field of that name, so that something before it has to read it.
    assert!(error("pad=1").await.is_string());
}

#[tokio::test]
async fn answers_are_fields_or_data() {
    #[derive(Serialize, JsonSchema)]
    #[serde(tag = "kind")]
    enum Either {
        One { n: u8 },
        None,
    }
    let builder = Stellar::builder()
        .typed_action("nothing", async || ActionResult::Ok(()))
        .typed_action("list", async || ActionResult::Ok(vec![1_u8]))
        .typed_action("maybe", async || ActionResult::Ok(None::<Orbit>))
        .typed_action("either", async || {
            ActionResult::Ok([Either::None, Either::One { n: 1 }])
        })
        .typed_action("map", async || {
            ActionResult::Ok(HashMap::from([("a", 1_u8)]))
        })
        .typed_action("file", async || ActionResult::Ok(SendFile("a.txt".into())))
        .add_action(
            Action::new("by hand", async |_: Call| {
                ActionResult::Ok(json!({ "n": 1 }))
            })
            .params_of::<Orbit>()
            .answer_of::<Either>(),
        )
        .add_action(
            Action::new("schema", async |_: Call| ActionResult::Ok(json!(1)))
                .params_schema(json!({ "type": "object", "properties": { "n": { "maximum": 3 } } }))
                .answer_schema(json!({ "type": "integer" })),
        );
    let host = host(builder).await;
    let types = host.get("/stellar-client.d.ts").await.text().to_owned();
    let openapi = host.get("/docs/openapi.json").await.json();
    for (name, result) in [
        ("nothing", "{}"),
        ("list", "{\n      \"data\": number[];\n    }"),
        (
            "maybe",
            "{\n      /** between:0,100 */\n      \"apogee\": number;\n      \"lowest\": number | null;\n    } | {\n      \"data\": null;\n    }",
        ),
        ("map", "{\n      [key: string]: number;\n    }"),
        ("file", "Record<string, unknown>"),
        (
            "by hand",
            "{\n      \"kind\": \"One\";\n      \"n\": number;\n    } | {\n      \"kind\": \"None\";\n    }",
        ),
        ("schema", "{\n      \"data\": number;\n    }"),
    ] {
        let start = types
            .find(&format!("  \"{name}\": {{\n    params: "))
            .unwrap();
        let told = &types[start..];
        let told = &told[told.find("    result: ").unwrap() + "    result: ".len()..];
        assert!(told.starts_with(&format!("{result};\n")), "{name}: {told}");
    }
    let file = &openapi["paths"]["/api/file"]["post"]["responses"]["200"];
    assert_eq!(file["content"], json!({ "*/*": {} }));
    let reply = host.post("/api/schema", r#"{"n":4}"#).await;
    assert_eq!(
        reply.json()["error"],
        json!({ "n": "The n may not be greater than 3." })
    );
}

#[tokio::test]
async fn a_pattern_that_is_none_is_a_fault_of_the_build() {
    let schema = json!({ "properties": { "a": { "pattern": "(" } } });
    let action = Action::new("a", async || ActionResult::Ok(())).params_schema(schema);
    let error = typed(action).build().await.err().unwrap().to_string();
    assert!(
        error.contains("\"a\"") && error.contains("regex:("),
        "{error}"
    );
}

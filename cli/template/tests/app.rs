//! Starts the server and calls it as a page does.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// A running server. Dropping it stops the process.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_{{name}}"))
            // Selects a free port.
            .env("STELLAR_LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let output = BufReader::new(process.stdout.take().expect("its output is piped"));
        let address = output
            .lines()
            .map_while(Result::ok)
            .find_map(|line| Some(line.strip_prefix("Listening on http://")?.to_owned()))
            .expect("the server tells where it listens");
        Self { process, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("the server listens");
        let limit = Some(Duration::from_secs(30));
        stream.set_read_timeout(limit).expect("a limit can be set");
        stream
    }

    /// Sends a request and returns the complete response.
    fn get(&self, path: &str) -> String {
        let mut stream = self.connect();
        let host = &self.address;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )
        .expect("a request can be sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it is answered");
        answer
    }

    /// Opens a connection and reads its welcome.
    fn client(&self) -> Client {
        let url = format!("ws://{}/primus", self.address);
        let (socket, _) = tungstenite::client(url, self.connect()).expect("it connects");
        let mut client = Client(socket);
        client.until(|message| message["welcome"].is_string());
        client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

struct Client(WebSocket<TcpStream>);

impl Client {
    /// Sends a request and returns its response.
    fn ask(&mut self, request: &Value) -> Value {
        let text = Message::text(request.to_string());
        self.0.send(text).expect("a message can be sent");
        self.until(|message| message["context"] == "response")
    }

    /// Returns the next message that matches.
    fn until(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.0.read().expect("a message comes");
            let text = message.to_text().expect("messages are texts");
            let message = serde_json::from_str(text).expect("they are JSON");
            if is_it(&message) {
                return message;
            }
        }
    }
}

#[test]
fn the_action_is_answered_over_http() {
    let server = Server::start();
    let answer = server.get("/api/greet?name=Ann");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains(r#""greeting":"Hello Ann!""#), "{answer}");
    // The name is required.
    assert!(server.get("/api/greet").starts_with("HTTP/1.1 400"));
}

#[test]
fn the_types_of_the_action_are_told() {
    let server = Server::start();
    let types = server.get("/stellar-client.d.ts");
    assert!(types.contains(r#""name": string;"#), "{types}");
    assert!(types.contains(r#""greeting": string;"#), "{types}");
}

#[test]
fn the_page_and_its_client_are_there() {
    let server = Server::start();
    assert!(server.get("/").contains("/stellar-client"));
    assert!(server.get("/stellar-client").contains("StellarClient"));
}

#[test]
fn the_lobby_hears_what_is_said() {
    let server = Server::start();
    let (mut ann, mut bob) = (server.client(), server.client());
    let join = json!({ "event": "roomAdd", "room": "lobby" });
    for client in [&mut ann, &mut bob] {
        assert_eq!(client.ask(&join)["status"], "OK");
    }
    let say = |message: &str| json!({ "event": "say", "room": "lobby", "message": message });
    assert_eq!(ann.ask(&say("  Hello  "))["status"], "OK");
    let heard = bob.until(|message| message["context"] == "user");
    assert_eq!(heard["message"], "Hello");
    assert_eq!(ann.ask(&say(" "))["status"]["code"], "100");

    let greet = json!({ "event": "action", "params": { "action": "greet", "name": "Ann" } });
    assert_eq!(ann.ask(&greet)["greeting"], "Hello Ann!");
}

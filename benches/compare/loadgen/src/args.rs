//! The command line.

use std::net::SocketAddr;

use clap::{Args, Parser, Subcommand};

use crate::proto::{Engine, Names, Proto};

#[derive(Parser)]
#[command(version, about)]
pub struct Cli {
    #[command(subcommand)]
    pub mode: Mode,
}

#[derive(Subcommand)]
pub enum Mode {
    /// Keeps `pipeline` requests pending on every connection and measures each reply
    Echo(EchoArgs),
    /// Publishes to a room and measures each delivery to its subscribers
    Fanout(FanoutArgs),
    /// Opens idle connections and measures memory and CPU per connection
    Idle(IdleArgs),
    /// Opens and closes connections repeatedly
    Connect(ConnectArgs),
}

impl Mode {
    pub fn common(&self) -> &Common {
        match self {
            Self::Echo(args) => &args.c,
            Self::Fanout(args) => &args.c,
            Self::Idle(args) => &args.c,
            Self::Connect(args) => &args.c,
        }
    }
}

impl Common {
    pub fn names(&self) -> Names {
        Names {
            event: self.event.clone(),
            action: self.action.clone(),
            param: self.param.clone(),
            join_verb: self.join_verb.clone(),
            send_template: self.send_template.clone(),
            join_template: self.join_template.clone(),
            pub_template: self.pub_template.clone(),
        }
    }
}

#[derive(Args, Clone)]
pub struct Common {
    /// Server address; only loopback is accepted
    #[arg(long, default_value = "127.0.0.1:9001")]
    pub addr: SocketAddr,
    #[arg(long, value_enum, default_value = "raw")]
    pub proto: Proto,
    /// Overrides the engine under the protocol (primus and stellar: ws; sockjs and engineio too)
    #[arg(long, value_enum)]
    pub engine: Option<Engine>,
    /// Request path and query; `{rand}` becomes random hex
    #[arg(long)]
    pub path: Option<String>,
    /// Extra request header, "Name: value"
    #[arg(long)]
    pub header: Vec<String>,
    /// Server process ids, comma separated; their children are counted too
    #[arg(long, value_delimiter = ',')]
    pub pid: Vec<u32>,
    #[arg(long, default_value = "")]
    pub label: String,
    #[arg(long, default_value = "bench")]
    pub room: String,
    /// Event name of a Socket.IO echo
    #[arg(long, default_value = "echo")]
    pub event: String,
    /// Action name of a Stellar call
    #[arg(long, default_value = "echo")]
    pub action: String,
    /// Name of the Stellar action parameter that carries the payload
    #[arg(long, default_value = "payload")]
    pub param: String,
    /// Verb with which a Stellar client joins a room
    #[arg(long, default_value = "roomAdd")]
    pub join_verb: String,
    /// Template of the message to send, with {payload}
    #[arg(long)]
    pub send_template: Option<String>,
    /// Template of the message that joins a room, with {room}
    #[arg(long)]
    pub join_template: Option<String>,
    /// Template of the message that publishes, with {room} and {payload}
    #[arg(long)]
    pub pub_template: Option<String>,
    /// Number of connections that are opened concurrently
    #[arg(long, default_value_t = 64)]
    pub connect_concurrency: usize,
    /// Number of source addresses 127.0.0.2, 127.0.0.3, ...; 0: as many as needed
    #[arg(long, default_value_t = 0)]
    pub src_addrs: u32,
    /// Timeout of the run in seconds
    #[arg(long, default_value_t = 180.0)]
    pub hard_timeout: f64,
}

#[derive(Args, Clone)]
pub struct EchoArgs {
    #[command(flatten)]
    pub c: Common,
    #[arg(short = 'n', long, default_value_t = 100)]
    pub conns: usize,
    #[arg(short = 'p', long, default_value_t = 1)]
    pub pipeline: usize,
    /// Payload bytes; 0 only where the message has no payload (a Stellar action)
    #[arg(short = 's', long, default_value_t = 64)]
    pub size: usize,
    #[arg(short = 't', long, default_value_t = 5.0)]
    pub duration: f64,
    #[arg(long, default_value_t = 1.5)]
    pub warmup: f64,
    /// Messages per second over all connections; 0: as many as the pipeline permits
    #[arg(long, default_value_t = 0.0)]
    pub rate: f64,
    /// With --rate: number of connections that send at the same time
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub burst: u32,
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    /// Do not compare the payload of each reply with the sent one
    #[arg(long)]
    pub no_verify: bool,
}

#[derive(Args, Clone)]
pub struct FanoutArgs {
    #[command(flatten)]
    pub c: Common,
    #[arg(short = 'n', long, default_value_t = 1000)]
    pub subs: usize,
    /// Rooms the subscribers are spread over
    #[arg(long, default_value_t = 1)]
    pub rooms: usize,
    #[arg(short = 's', long, default_value_t = 64)]
    pub size: usize,
    /// Maximum number of publications that are not delivered to all yet
    #[arg(short = 'w', long, default_value_t = 1)]
    pub window: usize,
    /// Publications per second; 0: as many as the window permits
    #[arg(long, default_value_t = 0.0)]
    pub rate: f64,
    #[arg(short = 't', long, default_value_t = 5.0)]
    pub duration: f64,
    #[arg(long, default_value_t = 1.5)]
    pub warmup: f64,
    /// The publisher joins the rooms too (always so with Stellar)
    #[arg(long)]
    pub pub_joins: bool,
    /// Additional connections that receive nothing
    #[arg(long, default_value_t = 0)]
    pub others: usize,
    /// Rooms `other0`, `other1`, ... for the additional connections; 0: they join none
    #[arg(long, default_value_t = 0)]
    pub other_rooms: usize,
    /// Wait this many milliseconds after a join instead of for its response
    #[arg(long)]
    pub join_wait_ms: Option<u64>,
}

#[derive(Args, Clone)]
pub struct IdleArgs {
    #[command(flatten)]
    pub c: Common,
    #[arg(short = 'n', long, default_value_t = 5000)]
    pub conns: usize,
    /// Seconds to let the server settle before memory is read
    #[arg(long, default_value_t = 2.0)]
    pub settle: f64,
    /// Seconds during which the idle CPU is measured
    #[arg(short = 't', long, default_value_t = 10.0)]
    pub duration: f64,
}

#[derive(Args, Clone)]
pub struct ConnectArgs {
    #[command(flatten)]
    pub c: Common,
    /// Total number of connections
    #[arg(short = 'n', long, default_value_t = 5000)]
    pub count: usize,
    /// Send one message on each connection and wait for its reply
    #[arg(long)]
    pub first: bool,
    /// Payload bytes of that message; 0 without a payload
    #[arg(short = 's', long, default_value_t = 64)]
    pub size: usize,
}

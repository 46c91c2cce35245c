//! A minimal, efficient RFC 6455 client.
//!
//! The frames of one read are parsed from a per-thread buffer, and the frames that the callbacks
//! queue are written with one `write`.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::pin::Pin;
use std::task::Poll;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};

pub const OP_CONT: u8 = 0;
pub const OP_TEXT: u8 = 1;
pub const OP_BINARY: u8 = 2;
pub const OP_CLOSE: u8 = 8;
pub const OP_PING: u8 = 9;
pub const OP_PONG: u8 = 10;

pub type Res<T> = Result<T, String>;

/// Appends one masked frame whose payload is the concatenation of `parts`.
pub fn encode(out: &mut Vec<u8>, opcode: u8, mask: [u8; 4], parts: &[&[u8]]) {
    let len: usize = parts.iter().map(|p| p.len()).sum();
    out.reserve(len + 14);
    out.push(0x80 | opcode);
    if len < 126 {
        out.push(0x80 | len as u8);
    } else if len < 65536 {
        out.push(0x80 | 126);
        out.extend_from_slice(&(len as u16).to_be_bytes());
    } else {
        out.push(0x80 | 127);
        out.extend_from_slice(&(len as u64).to_be_bytes());
    }
    out.extend_from_slice(&mask);
    let start = out.len();
    for p in parts {
        out.extend_from_slice(p);
    }
    apply_mask(&mut out[start..], mask);
}

fn apply_mask(data: &mut [u8], mask: [u8; 4]) {
    let m32 = u32::from_ne_bytes(mask) as u64;
    let m64 = m32 | (m32 << 32);
    let mut chunks = data.chunks_exact_mut(8);
    for c in &mut chunks {
        let v = u64::from_ne_bytes(c.try_into().unwrap()) ^ m64;
        c.copy_from_slice(&v.to_ne_bytes());
    }
    for (i, b) in chunks.into_remainder().iter_mut().enumerate() {
        *b ^= mask[i & 3];
    }
}

struct Head {
    fin: bool,
    opcode: u8,
    start: usize,
    end: usize,
}

/// Parses the frame head at the start of `b`; `None` while the frame is incomplete.
fn parse_head(b: &[u8]) -> Res<Option<Head>> {
    if b.len() < 2 {
        return Ok(None);
    }
    if b[0] & 0x70 != 0 {
        return Err(format!("frame with reserved bits: {:#x}", b[0]));
    }
    if b[1] & 0x80 != 0 {
        return Err("masked frame from server".into());
    }
    let (start, len) = match b[1] & 0x7f {
        126 => {
            if b.len() < 4 {
                return Ok(None);
            }
            (4, u16::from_be_bytes([b[2], b[3]]) as usize)
        }
        127 => {
            if b.len() < 10 {
                return Ok(None);
            }
            (
                10,
                u64::from_be_bytes(b[2..10].try_into().unwrap()) as usize,
            )
        }
        n => (2, n as usize),
    };
    if len > 64 << 20 {
        return Err(format!("frame of {len} bytes"));
    }
    if b.len() < start + len {
        return Ok(None);
    }
    Ok(Some(Head {
        fin: b[0] & 0x80 != 0,
        opcode: b[0] & 0x0f,
        start,
        end: start + len,
    }))
}

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; 128 * 1024]);
    static RNG: Cell<u64> = const { Cell::new(0x9E37_79B9_7F4A_7C15) };
}

/// xorshift64*, which suffices for masks, keys and session ids.
pub fn rand_u64() -> u64 {
    RNG.with(|r| {
        let mut x = r.get();
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        r.set(x);
        x.wrapping_mul(0x2545_F491_4F6C_DD1D)
    })
}

pub fn seed(v: u64) {
    RNG.with(|r| r.set(v.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1));
}

fn base64(data: &[u8]) -> String {
    const T: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut s = String::new();
    for c in data.chunks(3) {
        let n = (c[0] as u32) << 16
            | (*c.get(1).unwrap_or(&0) as u32) << 8
            | *c.get(2).unwrap_or(&0) as u32;
        for i in 0..4 {
            if i <= c.len() {
                s.push(T[(n >> (18 - 6 * i)) as usize & 63] as char);
            } else {
                s.push('=');
            }
        }
    }
    s
}

pub struct Target {
    pub addr: SocketAddr,
    pub path: String,
    pub headers: Vec<String>,
}

pub struct Conn {
    stream: TcpStream,
    rest: Vec<u8>,
    frag: Vec<u8>,
    pub out: Vec<u8>,
    pub mask: [u8; 4],
    pub ws_pings: u64,
    pub closed: bool,
}

fn io_err(what: &str, e: io::Error) -> String {
    format!("{what}: {e}")
}

/// Opens the TCP connection, optionally from `src`, because each address has its own port range.
async fn tcp(addr: SocketAddr, src: Option<Ipv4Addr>) -> Res<TcpStream> {
    let sock = TcpSocket::new_v4().map_err(|e| io_err("socket", e))?;
    if let Some(ip) = src {
        sock.bind(SocketAddr::V4(SocketAddrV4::new(ip, 0)))
            .map_err(|e| io_err("bind", e))?;
    }
    sock.connect(addr).await.map_err(|e| io_err("connect", e))
}

impl Conn {
    pub async fn open(t: &Target, src: Option<Ipv4Addr>) -> Res<Conn> {
        let mut stream = tcp(t.addr, src).await?;
        stream.set_nodelay(true).map_err(|e| io_err("nodelay", e))?;
        let mut key = [0u8; 16];
        key[..8].copy_from_slice(&rand_u64().to_le_bytes());
        key[8..].copy_from_slice(&rand_u64().to_le_bytes());
        let mut path = t.path.clone();
        while let Some(p) = path.find("{rand}") {
            path.replace_range(p..p + 6, &format!("{:016x}", rand_u64()));
        }
        let mut req = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\n",
            t.addr,
            base64(&key)
        );
        for h in &t.headers {
            req.push_str(h);
            req.push_str("\r\n");
        }
        req.push_str("\r\n");
        stream
            .write_all(req.as_bytes())
            .await
            .map_err(|e| io_err("handshake write", e))?;
        let mut buf = Vec::with_capacity(1024);
        let end = loop {
            let n = stream
                .read_buf(&mut buf)
                .await
                .map_err(|e| io_err("handshake read", e))?;
            if let Some(p) = memchr::memmem::find(&buf, b"\r\n\r\n") {
                break p + 4;
            }
            if n == 0 || buf.len() > 16384 {
                return Err(format!(
                    "handshake cut short: {:?}",
                    String::from_utf8_lossy(&buf)
                ));
            }
        };
        if !buf.starts_with(b"HTTP/1.1 101") {
            return Err(format!("no upgrade: {:?}", String::from_utf8_lossy(&buf)));
        }
        Ok(Conn {
            stream,
            rest: buf[end..].to_vec(),
            frag: Vec::new(),
            out: Vec::new(),
            mask: ((rand_u64() >> 7) as u32 | 0x0101_0101).to_le_bytes(),
            ws_pings: 0,
            closed: false,
        })
    }

    /// Waits for bytes and passes each complete text message to `f` with the output buffer.
    ///
    /// Answers pings. Returns `false` once the server has closed. Cancel safe.
    pub async fn pump(
        &mut self,
        mut f: impl FnMut(&[u8], &mut Vec<u8>, [u8; 4]) -> Res<()>,
    ) -> Res<bool> {
        if self.closed {
            return Ok(false);
        }
        poll_fn(|cx| {
            SCRATCH.with(|s| {
                let mut s = s.borrow_mut();
                let have = self.rest.len();
                if s.len() < have * 2 {
                    s.resize(have * 4, 0);
                }
                s[..have].copy_from_slice(&self.rest);
                let mut rb = ReadBuf::new(&mut s[have..]);
                // Frames may have arrived with the handshake response.
                let peek = have > 0 && matches!(parse_head(&self.rest), Ok(Some(_)) | Err(_));
                let got = if peek {
                    0
                } else {
                    match Pin::new(&mut self.stream).poll_read(cx, &mut rb) {
                        Poll::Pending => return Poll::Pending,
                        Poll::Ready(Err(e)) => return Poll::Ready(Err(io_err("read", e))),
                        Poll::Ready(Ok(())) => rb.filled().len(),
                    }
                };
                if got == 0 && !peek {
                    self.closed = true;
                    return Poll::Ready(Ok(false));
                }
                let all = &s[..have + got];
                let mut at = 0;
                loop {
                    let h = match parse_head(&all[at..]) {
                        Ok(Some(h)) => h,
                        Ok(None) => break,
                        Err(e) => return Poll::Ready(Err(e)),
                    };
                    let body = &all[at + h.start..at + h.end];
                    at += h.end;
                    let r = match h.opcode {
                        OP_TEXT | OP_BINARY if h.fin => f(body, &mut self.out, self.mask),
                        OP_TEXT | OP_BINARY => {
                            self.frag.clear();
                            self.frag.extend_from_slice(body);
                            Ok(())
                        }
                        OP_CONT => {
                            self.frag.extend_from_slice(body);
                            if h.fin {
                                f(&self.frag, &mut self.out, self.mask)
                            } else {
                                Ok(())
                            }
                        }
                        OP_PING => {
                            self.ws_pings += 1;
                            encode(&mut self.out, OP_PONG, self.mask, &[body]);
                            Ok(())
                        }
                        OP_CLOSE => {
                            self.closed = true;
                            Ok(())
                        }
                        _ => Ok(()),
                    };
                    if let Err(e) = r {
                        return Poll::Ready(Err(e));
                    }
                }
                self.rest.clear();
                self.rest.extend_from_slice(&all[at..]);
                Poll::Ready(Ok(!self.closed))
            })
        })
        .await
    }

    pub async fn flush(&mut self) -> Res<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        self.stream
            .write_all(&self.out)
            .await
            .map_err(|e| io_err("write", e))?;
        self.out.clear();
        if self.out.capacity() > 1 << 20 {
            self.out = Vec::new();
        }
        Ok(())
    }

    /// Sends a close frame and reads until the server closes the connection.
    pub async fn close(mut self) -> Res<()> {
        let mask = self.mask;
        encode(&mut self.out, OP_CLOSE, mask, &[&1000u16.to_be_bytes()]);
        self.flush().await?;
        let drained = async {
            let mut b = [0u8; 512];
            loop {
                match self.stream.read(&mut b).await {
                    Ok(0) => return Ok(()),
                    Ok(_) => {}
                    Err(e) => return Err(io_err("close", e)),
                }
            }
        };
        match tokio::time::timeout(std::time::Duration::from_secs(2), drained).await {
            Ok(r) => r,
            Err(_) => Err("server kept the connection open for 2 s after Close".into()),
        }
    }
}

//! The baseline: a minimal server on tokio.
//!
//! It has hand-written frames, one read buffer per thread, and one write for all replies to a read.
//! Publications are queued as shared bytes, and each member writes its queue with one call. It checks
//! no handshake, bounds nothing and has no heartbeat, so it is not for use.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    future::poll_fn,
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Buf, Bytes};
use sha1::{Digest, Sha1};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc::{UnboundedSender, unbounded_channel},
};

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

type Room = Arc<Mutex<HashMap<u64, UnboundedSender<Bytes>>>>;

thread_local! {
    /// The read and write buffers that the connections of a thread share.
    static SCRATCH: RefCell<(Vec<u8>, Vec<u8>)> =
        RefCell::new((vec![0; 128 << 10], Vec::with_capacity(256 << 10)));
}

fn main() -> peers::Outcome {
    peers::run(async |listener| {
        let room = Room::default();
        for id in 0.. {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            tokio::spawn(connection(socket, room.clone(), id));
        }
        Ok(())
    })
}

async fn connection(mut socket: TcpStream, room: Room, id: u64) -> Option<()> {
    let rest = handshake(&mut socket).await?;
    let (queue, mut queued) = unbounded_channel();
    let (read, write) = socket.into_split();
    let mut reader = Reader {
        read,
        write,
        rest,
        blocked: Vec::new(),
        room,
        id,
        queue,
    };
    let mut waiting = VecDeque::new();
    loop {
        tokio::select! {
            biased;
            more = poll_fn(|cx| reader.poll(cx)) => {
                if more.is_none() {
                    break;
                }
                if !reader.blocked.is_empty() {
                    waiting.push_front(std::mem::take(&mut reader.blocked).into());
                    if write_all(&reader.write, &mut waiting).await.is_err() {
                        break;
                    }
                }
            }
            Some(frame) = queued.recv() => {
                waiting.push_back(frame);
                while let Ok(frame) = queued.try_recv() {
                    waiting.push_back(frame);
                }
                if write_all(&reader.write, &mut waiting).await.is_err() {
                    break;
                }
            }
        }
    }
    members(&reader.room).remove(&id);
    Some(())
}

fn members(room: &Room) -> std::sync::MutexGuard<'_, HashMap<u64, UnboundedSender<Bytes>>> {
    room.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers the upgrade. Returns the bytes read after it.
async fn handshake(socket: &mut TcpStream) -> Option<Vec<u8>> {
    let mut read = Vec::with_capacity(1024);
    let end = loop {
        if socket.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
        if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
    };
    let head = std::str::from_utf8(&read[..end]).ok()?;
    let key = head
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))?;
    let accept = Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        STANDARD.encode(accept)
    );
    socket.write_all(answer.as_bytes()).await.ok()?;
    Some(read[end..].to_vec())
}

/// Writes the queue, with as many frames per call as possible.
async fn write_all(socket: &OwnedWriteHalf, waiting: &mut VecDeque<Bytes>) -> io::Result<()> {
    while !waiting.is_empty() {
        let mut slices = [IoSlice::new(&[]); 64];
        let mut count = 0;
        for (slice, bytes) in slices.iter_mut().zip(&*waiting) {
            *slice = IoSlice::new(bytes);
            count += 1;
        }
        match socket.try_write_vectored(&slices[..count]) {
            Ok(mut written) => {
                while let Some(first) = waiting.front_mut().filter(|_| written > 0) {
                    if written < first.len() {
                        first.advance(written);
                        break;
                    }
                    written -= first.len();
                    waiting.pop_front();
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => socket.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

struct Reader {
    read: OwnedReadHalf,
    write: OwnedWriteHalf,
    /// The start of an incomplete frame.
    rest: Vec<u8>,
    /// Replies that the socket has not accepted.
    blocked: Vec<u8>,
    room: Room,
    id: u64,
    queue: UnboundedSender<Bytes>,
}

impl Reader {
    /// Reads once and answers the messages. `None` if the connection is closed.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
        SCRATCH.with_borrow_mut(|(input, output)| {
            let kept = self.rest.len();
            if input.len() < 2 * kept {
                input.resize(4 * kept, 0);
            }
            input[..kept].copy_from_slice(&self.rest);
            let mut buffer = ReadBuf::new(&mut input[kept..]);
            if ready!(Pin::new(&mut self.read).poll_read(cx, &mut buffer)).is_err() {
                return Poll::Ready(None);
            }
            let read = buffer.filled().len();
            if read == 0 {
                return Poll::Ready(None);
            }
            output.clear();
            let all = &mut input[..kept + read];
            let mut at = 0;
            while let Some((start, end)) = frame(&all[at..]) {
                let opcode = all[at] & 15;
                let (head, body) = all[at..at + end].split_at_mut(start);
                unmask(body, &head[start - 4..]);
                at += end;
                if !self.answer(opcode, body, output) {
                    return Poll::Ready(None);
                }
            }
            self.rest.clear();
            self.rest.extend_from_slice(&all[at..]);
            if !output.is_empty() {
                match self.write.try_write(output) {
                    Ok(written) => self.blocked.extend_from_slice(&output[written..]),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        self.blocked.extend_from_slice(output);
                    }
                    Err(_) => return Poll::Ready(None),
                }
            }
            Poll::Ready(Some(()))
        })
    }

    /// `true` if the connection stays open.
    fn answer(&self, opcode: u8, body: &[u8], output: &mut Vec<u8>) -> bool {
        match opcode {
            CLOSE => {
                put(output, CLOSE, body);
                self.write.try_write(output).ok();
                return false;
            }
            TEXT | BINARY if body.first() == Some(&b'P') => {
                let mut frame = Vec::with_capacity(body.len() + 9);
                put(&mut frame, TEXT, &body[1..]);
                let frame = Bytes::from(frame);
                for member in members(&self.room).values() {
                    member.send(frame.clone()).ok();
                }
            }
            TEXT | BINARY => {
                if body.first() == Some(&b'J') {
                    members(&self.room).insert(self.id, self.queue.clone());
                }
                put(output, opcode, body);
            }
            PING => put(output, PONG, body),
            _ => {}
        }
        true
    }
}

/// Returns the bounds of the first frame's payload, if the frame is complete.
fn frame(bytes: &[u8]) -> Option<(usize, usize)> {
    let (start, length) = match *bytes.get(1)? & 127 {
        126 => (
            8,
            u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?).into(),
        ),
        127 => (14, u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?)),
        length => (6, length.into()),
    };
    let end = start + usize::try_from(length).ok()?;
    (bytes.len() >= end).then_some((start, end))
}

fn unmask(body: &mut [u8], mask: &[u8]) {
    let eight: [u8; 8] = std::array::from_fn(|index| mask[index & 3]);
    let eight = u64::from_ne_bytes(eight);
    let (chunks, rest) = body.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ eight).to_ne_bytes();
    }
    for (index, byte) in rest.iter_mut().enumerate() {
        *byte ^= mask[index & 3];
    }
}

fn put(output: &mut Vec<u8>, opcode: u8, body: &[u8]) {
    output.push(0x80 | opcode);
    match body.len() {
        short @ ..126 => output.push(short as u8),
        middle @ ..65_536 => {
            output.push(126);
            output.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        long => {
            output.push(127);
            output.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    output.extend_from_slice(body);
}

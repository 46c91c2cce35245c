//! The client's side of `permessage-deflate`.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

pub struct Deflate {
    compress: Compress,
    inflate: Decompress,
    client_forgets: bool,
    server_forgets: bool,
}

impl Deflate {
    /// As the server has agreed.
    pub fn new(extensions: &str) -> Self {
        assert!(extensions.starts_with("permessage-deflate"), "{extensions}");
        Self {
            compress: Compress::new(Compression::fast(), false),
            inflate: Decompress::new(false),
            client_forgets: extensions.contains("client_no_context_takeover"),
            server_forgets: extensions.contains("server_no_context_takeover"),
        }
    }

    pub fn compress(&mut self, payload: &[u8]) -> Vec<u8> {
        if payload.is_empty() {
            // RFC 7692 section 7.2.3.6: flushing nothing gives nothing, so this is said instead.
            return vec![0];
        }
        if self.client_forgets {
            self.compress.reset();
        }
        let mut out = Vec::with_capacity(payload.len() + 1_024);
        let before = self.compress.total_in();
        loop {
            let done = (self.compress.total_in() - before) as usize;
            let room = out.capacity() - out.len();
            self.compress
                .compress_vec(&payload[done..], &mut out, FlushCompress::Sync)
                .unwrap();
            if out.capacity() > out.len() {
                break;
            }
            out.reserve(room.max(1_024));
        }
        assert!(out.ends_with(&TAIL));
        out.truncate(out.len() - TAIL.len());
        out
    }

    pub fn inflate(&mut self, payload: &[u8]) -> Vec<u8> {
        if self.server_forgets {
            self.inflate.reset(false);
        }
        let wire = [payload, &TAIL].concat();
        let mut out = Vec::with_capacity(payload.len() * 4 + 1_024);
        let before = self.inflate.total_in();
        loop {
            let done = (self.inflate.total_in() - before) as usize;
            self.inflate
                .decompress_vec(&wire[done..], &mut out, FlushDecompress::Sync)
                .unwrap();
            if out.capacity() > out.len() {
                return out;
            }
            out.reserve(out.capacity());
        }
    }
}

//! Echo: pending requests on every connection.

use std::{
    cell::RefCell,
    collections::VecDeque,
    rc::Rc,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::task::spawn_local;

use crate::{
    args::EchoArgs,
    pace::{Turn, pace},
    payload::{self, fill_payload, find_payload},
    procstat,
    proto::{self, Ev, Proto, Session, message_count},
    run::{
        Ctl, Hist, MEASURING, Plan, RUNNING, STOPPING, new_hist, open_all, quantiles, until, worker,
    },
    ws::Res,
};

struct EchoConn {
    id: u32,
    seq: u32,
    size: usize,
    verify: bool,
    payload: Vec<u8>,
    template: Rc<proto::Template>,
    /// Signals that a message is due, with a rate.
    turn: Turn,
    /// Sequence and time of pending requests, oldest first.
    inflight: VecDeque<(u32, u64)>,
}

impl EchoConn {
    fn send(&mut self, out: &mut Vec<u8>, mask: [u8; 4], now: u64) {
        if self.size > 0 {
            fill_payload(&mut self.payload, self.id, self.seq);
        }
        self.template.write(out, mask, &self.payload);
        self.inflight.push_back((self.seq, now));
        self.seq = self.seq.wrapping_add(1);
    }

    /// Returns the send time of the request that `m` answers.
    fn answered(&mut self, m: &[u8], proto: Proto) -> Res<u64> {
        let mut key = None;
        if proto == Proto::Stellar {
            key = message_count(m).map(|c| (c as u32).wrapping_sub(1));
        }
        if self.size > 0 {
            if let Some((at, id, seq)) = find_payload(m) {
                if id != self.id {
                    return Err(format!("reply of connection {id} came to {}", self.id));
                }
                if self.verify {
                    let got = m.get(at + 17..at + self.size);
                    if got != Some(&self.payload[17..]) {
                        return Err("payload of the reply differs".into());
                    }
                }
                key = Some(seq);
            } else if self.verify && proto != Proto::Stellar {
                let text = String::from_utf8_lossy(&m[..m.len().min(120)]).into_owned();
                return Err(format!("reply without the payload: {text}"));
            }
        }
        let pos = match key {
            None => 0,
            Some(k) => match self.inflight.iter().position(|(s, _)| *s == k) {
                Some(p) => p,
                None => return Err(format!("reply to an unknown request {k}")),
            },
        };
        match self.inflight.remove(pos) {
            Some((_, t)) => Ok(t),
            None => Err("reply to no request".into()),
        }
    }
}

async fn echo_task(
    mut s: Session,
    mut e: EchoConn,
    args: Rc<EchoArgs>,
    plan: Arc<Plan>,
    ctl: Arc<Ctl>,
    hist: Rc<RefCell<Hist>>,
    epoch: Instant,
) {
    let (paced, turn) = (args.rate > 0.0, e.turn.clone());
    let now = || epoch.elapsed().as_nanos() as u64;
    let r: Res<()> = async {
        if !paced {
            let (mask, t) = (s.conn.mask, now());
            for _ in 0..args.pipeline {
                e.send(&mut s.conn.out, mask, t);
            }
            s.conn.flush().await?;
        }
        loop {
            let pump = s.pump(&plan.codec, {
                let (codec, ctl, hist, e) = (&plan.codec, &ctl, &hist, &mut e);
                let mut at = 0;
                move |ev, out, mask| {
                    let Ev::App(m) = ev else { return Ok(()) };
                    if !codec.is_reply(m) {
                        return Ok(());
                    }
                    if codec.is_error(m) {
                        ctl.error(format!(
                            "error reply: {}",
                            String::from_utf8_lossy(&m[..m.len().min(200)])
                        ));
                    }
                    if at == 0 {
                        at = now();
                    }
                    let sent = e.answered(m, codec.proto)?;
                    let phase = ctl.phase();
                    if phase == MEASURING {
                        ctl.count.fetch_add(1, Relaxed);
                        hist.borrow_mut().saturating_record(at.saturating_sub(sent));
                    }
                    if phase != STOPPING && !paced {
                        e.send(out, mask, at);
                    }
                    Ok(())
                }
            });
            tokio::select! {
                biased;
                open = pump => {
                    if !open? {
                        return Err("closed by the server".into());
                    }
                }
                () = turn.next(), if paced => {
                    if ctl.phase() != STOPPING {
                        let mask = s.conn.mask;
                        e.send(&mut s.conn.out, mask, now());
                    }
                }
            }
            s.conn.flush().await?;
            if ctl.phase() == STOPPING && e.inflight.is_empty() {
                return Ok(());
            }
        }
    }
    .await;
    if let Err(m) = r {
        ctl.error(m);
    }
}

pub fn run(args: EchoArgs, deadline: Instant) -> Res<Value> {
    let plan = Plan::new(&args.c, args.conns)?;
    if args.size > 0 && args.size < payload::MIN_PAYLOAD {
        return Err(format!(
            "a payload has at least {} bytes",
            payload::MIN_PAYLOAD
        ));
    }
    if args.pipeline * args.size > 256 * 1024 {
        return Err("pipeline times size is over 256 KiB: both sides could block in write".into());
    }
    // Keeps the interval long enough to sleep for, so that ticks do not accumulate.
    if args.rate != 0.0 && !(0.1..=1e6).contains(&args.rate) {
        return Err("a rate is from 0.1 to 1,000,000 messages per second".into());
    }
    let ctl = Arc::new(Ctl::default());
    let epoch = Instant::now();
    let threads = args.threads.clamp(1, 64);
    let handles: Vec<_> = (0..threads)
        .map(|w| {
            let (args, plan, ctl) = (args.clone(), plan.clone(), ctl.clone());
            worker(w, move || async move {
                let args = Rc::new(args);
                let hist = Rc::new(RefCell::new(new_hist()));
                let template = Rc::new(plan.codec.echo_template(args.size > 0));
                let sessions = open_all(&plan, &ctl, (w..args.conns).step_by(threads)).await;
                let opened = sessions.len();
                ctl.ready.fetch_add(1, Relaxed);
                until(&ctl, RUNNING).await;
                let turns: Vec<_> = sessions.iter().map(|_| Turn::default()).collect();
                let mut tasks: Vec<_> = sessions
                    .into_iter()
                    .zip(turns.clone())
                    .map(|((i, s), turn)| {
                        let e = EchoConn {
                            id: i as u32,
                            seq: 0,
                            size: args.size,
                            verify: !args.no_verify,
                            payload: payload::new_payload(args.size),
                            template: template.clone(),
                            turn,
                            inflight: VecDeque::with_capacity(args.pipeline + 1),
                        };
                        spawn_local(echo_task(
                            s,
                            e,
                            args.clone(),
                            plan.clone(),
                            ctl.clone(),
                            hist.clone(),
                            epoch,
                        ))
                    })
                    .collect();
                if args.rate > 0.0 {
                    let (rate, burst) = (args.rate / threads as f64, args.burst);
                    tasks.push(spawn_local(async move { pace(&turns, rate, burst).await }));
                }
                until(&ctl, STOPPING).await;
                tokio::time::sleep(Duration::from_millis(300)).await;
                for t in tasks {
                    t.abort();
                }
                let h = hist.borrow().clone();
                (opened, h)
            })
        })
        .collect();
    ctl.await_ready(threads, deadline)?;
    ctl.phase.store(RUNNING, Relaxed);
    std::thread::sleep(Duration::from_secs_f64(args.warmup));
    let a = procstat::snap(&args.c.pid);
    let t0 = Instant::now();
    ctl.phase.store(MEASURING, Relaxed);
    std::thread::sleep(Duration::from_secs_f64(args.duration));
    let b = procstat::snap(&args.c.pid);
    let n = ctl.count.load(Relaxed);
    let secs = t0.elapsed().as_secs_f64();
    ctl.phase.store(STOPPING, Relaxed);
    let mut hist = new_hist();
    let mut opened = 0;
    for h in handles {
        let (o, part) = h.join().map_err(|_| "worker died")?;
        opened += o;
        hist.add(part).map_err(|e| e.to_string())?;
    }
    Ok(json!({
        "mode": "echo", "conns": opened, "pipeline": args.pipeline, "size": args.size, "rate": args.rate, "burst": args.burst,
        "secs": procstat::round(secs, 3), "msgs": n,
        "msgs_per_s": (n as f64 / secs).round(),
        "lat_us": quantiles(&hist),
        "server": procstat::server(&a, &b, secs, n, "msg"),
        "around": procstat::around(&a, &b, secs),
        "errors": ctl.errors(),
    }))
}

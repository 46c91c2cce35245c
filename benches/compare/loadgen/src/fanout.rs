//! Fan-out: one publisher and the subscribers of its rooms.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{
    sync::{Notify, Semaphore},
    task::spawn_local,
};

use crate::{
    args::FanoutArgs,
    payload::{self, fill_payload, find_payload},
    procstat,
    proto::{Ev, Proto, Session},
    run::{
        Ctl, Hist, MEASURING, Plan, RUNNING, STOPPING, new_hist, open_all, quantiles, tend, until,
        worker,
    },
    ws::Res,
};

const RING: usize = 1 << 16;

/// Pending publications, with their send time and number of missing deliveries.
struct Track {
    sent: RefCell<Vec<u64>>,
    missing: RefCell<Vec<u32>>,
    under_way: Cell<usize>,
    published: Cell<u64>,
    delivered: Cell<u64>,
    out_of_order: Cell<u64>,
    hist: RefCell<Hist>,
    freed: Notify,
}

impl Track {
    fn deliver(&self, seq: u32, now: u64, ctl: &Ctl) {
        let i = seq as usize % RING;
        self.delivered.set(self.delivered.get() + 1);
        if ctl.phase() == MEASURING {
            ctl.count.fetch_add(1, Relaxed);
            let sent = self.sent.borrow()[i];
            self.hist
                .borrow_mut()
                .saturating_record(now.saturating_sub(sent));
        }
        let left = &mut self.missing.borrow_mut()[i];
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.under_way.set(self.under_way.get().saturating_sub(1));
            self.freed.notify_one();
        }
    }
}

async fn join(s: &mut Session, plan: &Plan, room: &str, wait_ms: Option<u64>) -> Res<()> {
    let mask = s.conn.mask;
    plan.codec
        .join_template(room)
        .write(&mut s.conn.out, mask, b"");
    s.conn.flush().await?;
    if wait_ms.is_some() {
        return Ok(());
    }
    let mut refusal = None;
    let acked = s.wait(&plan.codec, |ev| match ev {
        Ev::App(m) if plan.codec.is_error(m) => {
            refusal = Some(String::from_utf8_lossy(&m[..m.len().min(200)]).into_owned());
            true
        }
        Ev::App(m) => plan.codec.is_reply(m),
        _ => false,
    });
    match tokio::time::timeout(Duration::from_secs(10), acked).await {
        Ok(r) => r?,
        Err(_) => return Err("no answer to the join within 10 s (see --join-wait-ms)".into()),
    }
    match refusal {
        Some(m) => Err(format!("join refused: {m}")),
        None => Ok(()),
    }
}

async fn subscriber(
    mut s: Session,
    plan: Arc<Plan>,
    ctl: Arc<Ctl>,
    track: Rc<Track>,
    stride: u32,
    epoch: Instant,
) {
    let mut expected: Option<u32> = None;
    loop {
        let r = s
            .pump(&plan.codec, {
                let (codec, ctl, track, expected) = (&plan.codec, &ctl, &track, &mut expected);
                let mut at = 0;
                move |ev, _, _| {
                    let Ev::App(m) = ev else { return Ok(()) };
                    if !codec.is_delivery(m) {
                        return Ok(());
                    }
                    let Some((_, _, seq)) = find_payload(m) else {
                        return Ok(());
                    };
                    if at == 0 {
                        at = epoch.elapsed().as_nanos() as u64;
                    }
                    if expected.is_some_and(|x| x != seq) {
                        track.out_of_order.set(track.out_of_order.get() + 1);
                    }
                    *expected = Some(seq.wrapping_add(stride));
                    track.deliver(seq, at, ctl);
                    Ok(())
                }
            })
            .await;
        let r = match r {
            Ok(true) => s.conn.flush().await,
            Ok(false) => Err("subscriber closed by the server".into()),
            Err(e) => Err(e),
        };
        if let Err(e) = r {
            return ctl.error(e);
        }
    }
}

async fn publisher(
    s: &mut Session,
    args: &FanoutArgs,
    plan: &Plan,
    ctl: &Ctl,
    track: &Track,
    members: &[u32],
    epoch: Instant,
) -> Res<()> {
    let rooms: Vec<_> = (0..args.rooms)
        .map(|r| plan.codec.pub_template(&room_name(args, r)))
        .collect();
    let mut payload = payload::new_payload(args.size);
    let mut seq = 0u32;
    let paced = args.rate > 0.0;
    let start = tokio::time::Instant::now();
    let mut due_total = 0u64;
    let mut last_progress = (Instant::now(), 0u64);
    let cap = if paced {
        RING / 2
    } else {
        args.window.min(RING / 2)
    };
    loop {
        if ctl.phase() >= STOPPING {
            return Ok(());
        }
        let due = if paced {
            due_total = (start.elapsed().as_secs_f64() * args.rate) as u64;
            due_total.saturating_sub(track.published.get())
        } else {
            u64::MAX
        };
        let mask = s.conn.mask;
        let mut sent = 0;
        while sent < due && track.under_way.get() < cap {
            let r = seq as usize % args.rooms;
            let i = seq as usize % RING;
            fill_payload(&mut payload, u32::MAX, seq);
            rooms[r].write(&mut s.conn.out, mask, &payload);
            let now = epoch.elapsed().as_nanos() as u64;
            track.sent.borrow_mut()[i] = now;
            track.missing.borrow_mut()[i] = members[r];
            track.under_way.set(track.under_way.get() + 1);
            track.published.set(track.published.get() + 1);
            seq = seq.wrapping_add(1);
            sent += 1;
        }
        s.conn.flush().await?;
        let wake = if paced {
            start + Duration::from_secs_f64((due_total + 1) as f64 / args.rate)
        } else {
            tokio::time::Instant::now() + Duration::from_millis(500)
        };
        tokio::select! {
            open = s.pump(&plan.codec, |ev, _, _| {
                if let Ev::App(m) = ev && plan.codec.is_error(m) {
                    ctl.error(format!(
                        "publisher: {}",
                        String::from_utf8_lossy(&m[..m.len().min(200)])
                    ));
                }
                Ok(())
            }) => {
                if !open? {
                    return Err("publisher closed by the server".into());
                }
            }
            _ = track.freed.notified(), if !paced => {}
            _ = tokio::time::sleep_until(wake) => {}
        }
        if track.delivered.get() != last_progress.1 {
            last_progress = (Instant::now(), track.delivered.get());
        } else if track.under_way.get() >= cap && last_progress.0.elapsed() > Duration::from_secs(5)
        {
            return Err(format!(
                "no delivery for 5 s with {} publications under way",
                track.under_way.get()
            ));
        }
    }
}

fn room_name(args: &FanoutArgs, r: usize) -> String {
    if args.rooms == 1 {
        args.c.room.clone()
    } else {
        format!("{}{r}", args.c.room)
    }
}

pub fn run(args: FanoutArgs, deadline: Instant) -> Res<Value> {
    let plan = Plan::new(&args.c, args.subs + 1 + args.others)?;
    if args.size < payload::MIN_PAYLOAD || args.rooms == 0 || args.rooms > args.subs {
        return Err(format!(
            "size at least {}, and at most as many rooms as subscribers",
            payload::MIN_PAYLOAD
        ));
    }
    let ctl = Arc::new(Ctl::default());
    let epoch = Instant::now();
    let handle = {
        let (args, plan, ctl) = (args.clone(), plan.clone(), ctl.clone());
        worker(0, move || async move {
            let track = Rc::new(Track {
                sent: RefCell::new(vec![0; RING]),
                missing: RefCell::new(vec![0; RING]),
                under_way: Cell::new(0),
                published: Cell::new(0),
                delivered: Cell::new(0),
                out_of_order: Cell::new(0),
                hist: RefCell::new(new_hist()),
                freed: Notify::new(),
            });
            let args = Rc::new(args);
            let sem = Rc::new(Semaphore::new(plan.common.connect_concurrency.max(1)));
            let mut joins = Vec::new();
            for (i, mut s) in open_all(&plan, &ctl, 0..args.subs).await {
                let (args, plan, ctl, sem) = (args.clone(), plan.clone(), ctl.clone(), sem.clone());
                joins.push(spawn_local(async move {
                    let _permit = sem.acquire().await.expect("never closed");
                    match join(
                        &mut s,
                        &plan,
                        &room_name(&args, i % args.rooms),
                        args.join_wait_ms,
                    )
                    .await
                    {
                        Ok(()) => Some((i, s)),
                        Err(e) => {
                            ctl.error(e);
                            None
                        }
                    }
                }));
            }
            let first_other = args.subs + 1;
            let others = first_other..first_other + args.others;
            for (i, mut s) in open_all(&plan, &ctl, others).await {
                if args.other_rooms > 0 {
                    let room = format!("other{}", (i - first_other) % args.other_rooms);
                    if let Err(e) = join(&mut s, &plan, &room, args.join_wait_ms).await {
                        ctl.error(e);
                        continue;
                    }
                }
                spawn_local(tend(s, plan.clone(), ctl.clone()));
            }
            let mut members = vec![0u32; args.rooms];
            for j in joins {
                if let Some((i, s)) = j.await.expect("no panics") {
                    members[i % args.rooms] += 1;
                    spawn_local(subscriber(
                        s,
                        plan.clone(),
                        ctl.clone(),
                        track.clone(),
                        args.rooms as u32,
                        epoch,
                    ));
                }
            }
            if let Some(ms) = args.join_wait_ms {
                tokio::time::sleep(Duration::from_millis(ms)).await;
            }
            // Dropped after the drain, because closing it could lose its last messages.
            let mut session = None;
            let result = async {
                let s = session.insert(plan.open(args.subs).await?);
                if args.pub_joins || args.c.proto == Proto::Stellar {
                    for r in 0..args.rooms {
                        join(s, &plan, &room_name(&args, r), args.join_wait_ms).await?;
                    }
                    if let Some(ms) = args.join_wait_ms {
                        tokio::time::sleep(Duration::from_millis(ms.min(1000))).await;
                    }
                }
                ctl.ready.fetch_add(1, Relaxed);
                until(&ctl, RUNNING).await;
                publisher(s, &args, &plan, &ctl, &track, &members, epoch).await
            };
            if let Err(e) = result.await {
                ctl.error(e);
                ctl.ready.fetch_add(1, Relaxed);
            }
            until(&ctl, STOPPING).await;
            let drain = Instant::now();
            while track.under_way.get() > 0 && drain.elapsed() < Duration::from_secs(5) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            drop(session);
            let due: u64 = (0..args.rooms)
                .map(|r| {
                    let n = track.published.get();
                    (n / args.rooms as u64 + u64::from(n % args.rooms as u64 > r as u64))
                        * members[r] as u64
                })
                .sum();
            let subs: u32 = members.iter().sum();
            let lost = due as i64 - track.delivered.get() as i64;
            let h = track.hist.borrow().clone();
            (
                subs,
                track.published.get(),
                lost,
                track.out_of_order.get(),
                h,
            )
        })
    };
    ctl.await_ready(1, deadline)?;
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
    let (subs, published, lost, out_of_order, hist) = handle.join().map_err(|_| "worker died")?;
    Ok(json!({
        "mode": "fanout", "subs": subs, "rooms": args.rooms, "others": args.others,
        "other_rooms": args.other_rooms, "window": args.window, "size": args.size,
        "rate": args.rate, "secs": procstat::round(secs, 3), "deliveries": n,
        "deliveries_per_s": (n as f64 / secs).round(),
        "published_in_all": published, "lost": lost, "out_of_order": out_of_order,
        "lat_us": quantiles(&hist),
        "server": procstat::server(&a, &b, secs, n, "delivery"),
        "around": procstat::around(&a, &b, secs),
        "errors": ctl.errors(),
    }))
}

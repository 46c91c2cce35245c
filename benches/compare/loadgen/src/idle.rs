//! Idle connections: their memory, and the cost of their heartbeats.

use std::{
    rc::Rc,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::spawn_local};

use crate::{
    args::IdleArgs,
    procstat,
    run::{Ctl, MEASURING, Plan, STOPPING, tend, until, worker},
    ws::Res,
};

pub fn run(args: IdleArgs, deadline: Instant) -> Res<Value> {
    let plan = Plan::new(&args.c, args.conns)?;
    let ctl = Arc::new(Ctl::default());
    let a = procstat::snap(&args.c.pid);
    let t0 = Instant::now();
    let handle = {
        let (args, plan, ctl) = (args.clone(), plan.clone(), ctl.clone());
        worker(0, move || async move {
            let sem = Rc::new(Semaphore::new(args.c.connect_concurrency.max(1)));
            let mut tasks = Vec::new();
            for i in 0..args.conns {
                let (plan, ctl, sem) = (plan.clone(), ctl.clone(), sem.clone());
                tasks.push(spawn_local(async move {
                    let permit = sem.acquire().await.expect("never closed");
                    let s = plan.open(i).await;
                    drop(permit);
                    ctl.ready.fetch_add(1, Relaxed);
                    match s {
                        Ok(s) => {
                            ctl.count.fetch_add(1, Relaxed);
                            tend(s, plan, ctl).await;
                        }
                        Err(e) => ctl.error(e),
                    }
                }));
            }
            until(&ctl, STOPPING).await;
            for t in tasks {
                t.abort();
            }
        })
    };
    ctl.await_ready(args.conns, deadline)?;
    let b = procstat::snap(&args.c.pid);
    let connect_secs = t0.elapsed().as_secs_f64();
    let n = ctl.count.load(Relaxed);
    std::thread::sleep(Duration::from_secs_f64(args.settle));
    let c = procstat::snap(&args.c.pid);
    let pings = ctl.pings.load(Relaxed);
    let t1 = Instant::now();
    ctl.phase.store(MEASURING, Relaxed);
    std::thread::sleep(Duration::from_secs_f64(args.duration));
    let d = procstat::snap(&args.c.pid);
    let pings = ctl.pings.load(Relaxed) - pings;
    let secs = t1.elapsed().as_secs_f64();
    ctl.phase.store(STOPPING, Relaxed);
    handle.join().map_err(|_| "worker died")?;
    let per = |kib: i64| procstat::round(kib as f64 / n.max(1) as f64, 2);
    Ok(json!({
        "mode": "idle", "conns": n,
        "connect": {
            "secs": procstat::round(connect_secs, 3),
            "per_s": (n as f64 / connect_secs).round(),
            "server": procstat::server(&a, &b, connect_secs, n, "conn"),
            "around": procstat::around(&a, &b, connect_secs),
        },
        "rss_before_kib": a.rss_kib, "rss_after_kib": d.rss_kib,
        "rss_kib_per_conn": per(d.rss_kib as i64 - a.rss_kib as i64),
        "machine_kib_per_conn_both_ends": per(procstat::mem_avail_used(&a, &d)),
        "idle": {
            "secs": procstat::round(secs, 3), "pings_answered": pings,
            "server": procstat::server(&c, &d, secs, pings, "ping"),
            "around": procstat::around(&c, &d, secs),
        },
        "errors": ctl.errors(),
    }))
}

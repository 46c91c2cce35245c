//! The members of a room, page by page.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stellarfw::{Stellar, rooms::ByteRate, transport::Parser};

use crate::support::{Peer, error, host};

/// Asks for a page, and gives the ids on it, the count of all and the next page's beginning.
async fn page(peer: &mut Peer, params: Value) -> (Vec<String>, u64, Option<String>) {
    let view = json!({ "event": "roomView", "room": "defaultRoom", "params": params });
    let response = peer.ask(&view).await;
    assert_eq!(response["status"], "OK", "{response}");
    let data = &response["data"];
    assert_eq!(data["room"], "defaultRoom");
    let members = data["members"].as_object().unwrap();
    for (id, member) in members {
        assert_eq!(member["id"], *id);
        assert!(member["joinedAt"].is_u64());
    }
    (
        members.keys().cloned().collect(),
        data["membersCount"].as_u64().unwrap(),
        data["next"].as_str().map(str::to_owned),
    )
}

#[tokio::test]
async fn a_client_reads_a_room_in_pages() {
    for parser in [Parser::Json, Parser::MessagePack] {
        let builder = Stellar::builder().parser(parser.clone());
        let host = host(builder.configure(|config| config.max_room_view = 4)).await;
        let mut peers = Vec::new();
        let mut all = BTreeSet::new();
        for _ in 0..7 {
            let peer = host.connect("/primus", &[]).await.unwrap();
            let mut peer = peer.speaking(parser.clone());
            peer.welcomed().await;
            peer.join("defaultRoom").await;
            all.insert(peer.id().await);
            peers.push(peer);
        }
        let peer = &mut peers[0];
        for (limit, sizes) in [
            (3, vec![3, 3, 1]),
            (4, vec![4, 3]),
            (100, vec![4, 3]),
            (1, vec![1; 7]),
        ] {
            let (mut seen, mut found) = (Vec::new(), Vec::new());
            let mut after = Value::Null;
            loop {
                let params = json!({ "limit": limit, "after": after });
                let (ids, count, next) = page(peer, params).await;
                assert_eq!(count, 7);
                found.push(ids.len());
                seen.extend(ids);
                match next {
                    Some(next) => after = next.into(),
                    None => break,
                }
            }
            assert_eq!(found, sizes, "{limit}");
            assert_eq!(seen, Vec::from_iter(all.clone()), "{limit}");
        }
        // A client that knows nothing of pages gets the first.
        let response = peer
            .ask(&json!({ "event": "roomView", "room": "defaultRoom" }))
            .await;
        assert_eq!(response["data"]["members"].as_object().unwrap().len(), 4);
        assert_eq!(response["data"]["membersCount"], 7);
        let rooms = host.stellar.rooms();
        let first = rooms.page("defaultRoom", None, 5).await.unwrap();
        assert_eq!((first.members.len(), first.members_count), (5, 7));
        let rest = rooms
            .page("defaultRoom", first.next.as_deref(), 5)
            .await
            .unwrap();
        assert_eq!((rest.members.len(), rest.next), (2, None));
        rooms.page("nowhere", None, 5).await.unwrap_err();
    }
}

#[tokio::test]
async fn what_is_no_page_is_refused_and_what_is_no_params_is_the_first() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    peer.join("defaultRoom").await;
    let number = "Param 'limit' has an invalid type, expected a whole number from 1";
    let id = "Param 'after' has an invalid type, expected the id of a member";
    for (params, message) in [
        (json!({ "limit": 0 }), number),
        (json!({ "limit": -1 }), number),
        (json!({ "limit": 1.5 }), number),
        (json!({ "limit": "1" }), number),
        (json!({ "limit": [1] }), number),
        (json!({ "after": 1 }), id),
        (json!({ "after": {} }), id),
    ] {
        let view = json!({ "event": "roomView", "room": "defaultRoom", "params": params });
        let refused = error("003", message);
        peer.expect(view, json!({ "status": refused, "error": refused }))
            .await;
    }
    let id = peer.id().await;
    for params in [
        json!(null),
        json!("x"),
        json!([]),
        json!({ "limit": null, "other": 1 }),
    ] {
        let (ids, count, next) = page(&mut peer, params).await;
        assert_eq!((ids, count, next), (vec![id.clone()], 1, None));
    }
    // Beyond the last one there is nobody, and no error.
    let (ids, count, next) = page(&mut peer, json!({ "after": "\u{10ffff}" })).await;
    assert_eq!((ids, count, next), (vec![], 1, None));
}

#[tokio::test]
async fn a_page_counts_as_what_it_lists() {
    let host = host(Stellar::builder().configure(|config| {
        // 100 for the envelope, 140 for each listed and 4 for each other: 244 for one of two.
        config.publish_rate.connection = ByteRate::new(1, 2 * 244);
    }))
    .await;
    let mut peers = host.peers(2).await;
    for peer in &mut peers {
        peer.join("defaultRoom").await;
    }
    let view =
        |limit| json!({ "event": "roomView", "room": "defaultRoom", "params": { "limit": limit } });
    let [one, other] = &mut peers[..] else {
        unreachable!()
    };
    let mut answered = Vec::new();
    for limit in [1, 1, 1] {
        answered.push(one.ask(&view(limit)).await["status"] == "OK");
    }
    for limit in [2, 2] {
        answered.push(other.ask(&view(limit)).await["status"] == "OK");
    }
    assert_eq!(answered, [true, true, false, true, false]);
}

//! `/osm/test`: messages for OSM's message bus, which anyone may send.

use mock_nbi::{MockNbi, Release};
use serde_json::json;

use crate::client::send;

#[tokio::test(start_paused = true)]
async fn messages_are_echoed_in_pythons_words_without_a_token() {
    // What `osm ns-alarm-create` sends.
    let alarm = json!({"create_alarm_request": {"alarm_create_request": {
        "correlation_id": 1, "severity": "critical", "vdu": null, "threshold": 80.0}}});
    let echoed = "<html><pre>alarm_request ->\n  create_alarm_request: {'alarm_create_request': \
                  {'correlation_id': 1, 'severity': 'critical', 'vdu': None, 'threshold': \
                  80.0}}\n</pre></html>\n";
    for release in [Release::R8, Release::R10, Release::R19] {
        let nbi = MockNbi::builder().release(release).build().unwrap();
        let body = alarm.to_string();
        let headers = [("Content-Type", "application/json"), ("Accept", "application/json")];
        let target = "/osm/test/message/alarm_request";
        let answer = send(&nbi, "POST", target, &headers, Some(body.as_bytes())).await.unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("Content-Type"), "text/html;charset=utf-8");
        assert_eq!(String::from_utf8(answer.body).unwrap(), echoed);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_message_is_told_where_the_echo_would_stand() {
    let nbi = MockNbi::builder().build().unwrap();
    let check = async |method: &str, target: &str, body: Option<&str>, expected: &str| {
        let target = format!("/osm/test/message/{target}");
        let body = body.map(str::as_bytes);
        let answer = send(&nbi, method, &target, &[], body).await.unwrap();
        let text = String::from_utf8(answer.body).unwrap();
        assert_eq!((answer.status, text), (200, format!("<html><pre>{expected}</pre></html>\n")));
    };
    check("GET", "ns?a=%5B1%5D&b=", None, "ns ->\n  a: [1]\n  b: None\n").await;
    check(
        "GET",
        "ns?a=x&b=1&b=2",
        None,
        "ns ->\n  a: x\nError: 'list' object has no attribute 'read'",
    )
    .await;
    check("POST", "ns", Some("word"), "ns ->\nError: 'str' object has no attribute 'items'").await;
    let broken = send(&nbi, "POST", "/osm/test/message/ns", &[], Some(b"a: [")).await.unwrap();
    let text = String::from_utf8(broken.body).unwrap();
    assert!(text.contains("Error: while parsing a flow "), "{text}");
    check("PUT", "ns", Some("a: 1"), "ns ->\n").await;
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_it_is_switched_off() {
    let nbi = MockNbi::builder().build().unwrap();
    let get = async |path: &str| send(&nbi, "GET", path, &[], None).await.unwrap();
    let help = String::from_utf8(get("/osm/test/help").await.body).unwrap();
    assert!(help.contains("\nmessage/topic\n"), "{help}");
    let init = get("/osm/test/init").await;
    assert_eq!(init.status, 403);
    for path in ["/osm/test", "/osm/test/db-clear/vnfds", "/osm/test/message"] {
        let answer = get(path).await;
        assert_eq!((answer.status, answer.body.as_slice()), (405, &b"test URL is disabled"[..]));
    }
}

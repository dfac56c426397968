//! AWS KMS's interface against a scripted server: what a real one does on bad days.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use ossenc_kms::providers::{AwsCredentials, AwsKmsConfig, AwsKmsProvider};
use ossenc_kms::{Answer, Ask, Failure, Provider, Verb};

const KEY: &str = "arn:aws:kms:us-east-1:1:key/9a";
/// 32 bytes of 7, and a blob of 3 bytes.
const SECRET: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
const LONG: Duration = Duration::from_secs(60);
const NONSENSE: Failure = Failure::Error { code: 0 };

fn ask(verb: Verb, key_id: &str) -> Ask<'_> {
    Ask {
        id: 1,
        verb,
        provider: "aws",
        key_id,
        key_version: "",
        context: &[("a\"b", "1"), ("ossenc:tenant", "\u{e9}")],
        context_bytes: &[],
        blob: b"\x01\x02\x03",
        bucket_key_id: &[],
    }
}

fn provider(endpoint: &str) -> AwsKmsProvider {
    let config =
        AwsKmsConfig { endpoint, region: "us-east-1", authorities_pem: None, connect_timeout: Duration::from_secs(5) };
    let credentials = AwsCredentials::new("AKID", "hidden-secret", Some("hidden-token")).unwrap();
    AwsKmsProvider::new(&config, move |_| Ok(credentials.clone())).unwrap()
}

/// One request, and what it was answered.
fn request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    let text = loop {
        if stream.read(&mut byte).unwrap() == 0 {
            break String::new();
        }
        bytes.push(byte[0]);
        if let Some(head) = String::from_utf8_lossy(&bytes).strip_suffix("\r\n\r\n") {
            break head.to_ascii_lowercase();
        }
    };
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    format!("{text}\r\n\r\n{}", String::from_utf8(body).unwrap())
}

/// Answers one call with these bytes; gives what was sent, and what came of it.
fn exchange(verb: Verb, response: &str) -> (String, Result<Answer, Failure>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let provider = provider(&format!("http://{}", listener.local_addr().unwrap()));
    std::thread::scope(|scope| {
        let server = scope.spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let request = request(&mut stream);
            // The client may hang up in the middle: huge answers.
            let _ = stream.write_all(response.as_bytes());
            request
        });
        let result = provider.call(&ask(verb, KEY), LONG);
        (server.join().unwrap(), result)
    })
}

fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}", body.len())
}

fn ok(body: &str) -> String {
    http("200 OK", "", body)
}

fn outcome(verb: Verb, response: &str) -> Failure {
    exchange(verb, response).1.map(|_| ()).unwrap_err()
}

#[test]
fn what_is_sent_is_what_the_service_documents() {
    let body = format!(r#"{{"Plaintext":"{SECRET}","KeyId":"{KEY}","CiphertextBlob":"AQID"}}"#);
    let (sent, answer) = exchange(Verb::Generate, &ok(&body));
    let answer = answer.unwrap();
    assert_eq!((answer.key_id.as_str(), answer.key_version.as_str(), &answer.blob[..]), (KEY, "", &[1, 2, 3][..]));
    let (head, sent) = sent.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("post / http/1.1\r\n"), "{head}");
    for header in [
        "x-amz-target: trentservice.generatedatakey",
        "content-type: application/x-amz-json-1.1",
        "x-amz-security-token: hidden-token",
        "signedheaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
    ] {
        assert!(head.contains(header), "{header}: {head}");
    }
    let json: serde_json::Value = serde_json::from_str(sent).unwrap();
    let context = serde_json::json!({"a\"b": "1", "ossenc:tenant": "\u{e9}"});
    assert_eq!(json, serde_json::json!({"KeyId": KEY, "KeySpec": "AES_256", "EncryptionContext": context}));

    let (sent, answer) = exchange(Verb::Unwrap, &ok(&format!(r#"{{"Plaintext":"{SECRET}","KeyId":"{KEY}"}}"#)));
    assert!(answer.unwrap().secret.is_some());
    let (head, sent) = sent.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("x-amz-target: trentservice.decrypt"));
    let json: serde_json::Value = serde_json::from_str(sent).unwrap();
    assert_eq!(json, serde_json::json!({"KeyId": KEY, "CiphertextBlob": "AQID", "EncryptionContext": context}));
}

#[test]
fn refusals_are_told_apart() {
    let after = |seconds| Failure::Retry { after: Duration::from_secs(seconds) };
    for (status, headers, body, failure) in [
        ("400 B", "", r#"{"__type":"AccessDeniedException","message":"no"}"#, Failure::Denied),
        ("400 B", "", r#"{"__type":"com.amazonaws.kms#NotFoundException"}"#, Failure::Unknown),
        ("400 B", "X-Amzn-ErrorType: DisabledException:http://x/\r\n", "{}", Failure::Disabled),
        ("400 B", "", r#"{"__type":"KMSInvalidStateException"}"#, Failure::Disabled),
        ("400 B", "", r#"{"__type":"InvalidCiphertextException"}"#, Failure::Error { code: 400 }),
        ("400 B", "", r#"{"__type":"IncorrectKeyException"}"#, Failure::Error { code: 400 }),
        ("400 B", "", r#"{"__type":"ExpiredTokenException"}"#, Failure::Denied),
        ("400 B", "Retry-After: 7\r\n", r#"{"__type":"ThrottlingException"}"#, after(7)),
        ("429 T", "Retry-After: 99999999\r\n", "", after(3_600)),
        ("503 S", "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n", "", after(0)),
        ("500 I", "", "<html>", after(0)),
        ("400 B", "", "<html>", Failure::Error { code: 400 }),
        ("403 F", "", "", Failure::Denied),
        ("302 F", "Location: http://127.0.0.1:1/\r\n", "", Failure::Error { code: 302 }),
        ("307 F", "Location: http://127.0.0.1:1/\r\n", "", Failure::Error { code: 307 }),
        ("204 N", "", "", Failure::Error { code: 204 }),
    ] {
        assert_eq!(outcome(Verb::Unwrap, &http(status, headers, body)), failure, "{status} {headers} {body}");
    }
}

#[test]
fn answers_that_make_no_sense_are_errors() {
    let other = KEY.replace("9a", "9b");
    let short = &SECRET[..40];
    let long = format!("{}BwcH", &SECRET[..40]);
    let huge = "A".repeat(8196 / 3 * 4 + 4);
    for body in [
        String::new(),
        "null".into(),
        "[]".into(),
        "{}".into(),
        format!(r#"{{"KeyId":"{KEY}","CiphertextBlob":"AQID"}}"#),
        format!(r#"{{"Plaintext":null,"KeyId":"{KEY}","CiphertextBlob":"AQID"}}"#),
        format!(r#"{{"Plaintext":"","KeyId":"{KEY}","CiphertextBlob":"AQID"}}"#),
        format!(r#"{{"Plaintext":"{short}","KeyId":"{KEY}","CiphertextBlob":"AQID"}}"#),
        format!(r#"{{"Plaintext":"{long}","KeyId":"{KEY}","CiphertextBlob":"AQID"}}"#),
        format!(r#"{{"Plaintext":"{SECRET}{SECRET}","KeyId":"{KEY}","CiphertextBlob":"AQID"}}"#),
        format!(r#"{{"Plaintext":"!{}","KeyId":"{KEY}","CiphertextBlob":"AQID"}}"#, &SECRET[1..]),
        format!(r#"{{"Plaintext":"{SECRET}","KeyId":"{KEY}","CiphertextBlob":"A"}}"#),
        format!(r#"{{"Plaintext":"{SECRET}","KeyId":"{KEY}","CiphertextBlob":"AQID"}} trailing"#),
        format!(r#"{{"Plaintext":"{SECRET}","KeyId":"{KEY}","CiphertextBlob":"{huge}"}}"#),
    ] {
        assert_eq!(outcome(Verb::Generate, &ok(&body)), NONSENSE, "{body}");
    }
    for (key_id, blob) in [("", "AQID"), ("alias/x", "AQID"), ("a b", "AQID"), (&"x".repeat(256), "AQID"), (KEY, "")] {
        let body = format!(r#"{{"Plaintext":"{SECRET}","KeyId":"{key_id}","CiphertextBlob":"{blob}"}}"#);
        assert_eq!(outcome(Verb::Generate, &ok(&body)), NONSENSE, "{body}");
    }
    let without = format!(r#"{{"Plaintext":"{SECRET}","KeyId":"{KEY}"}}"#);
    assert_eq!(outcome(Verb::Generate, &ok(&without)), NONSENSE);
    // A blob must not choose its key.
    assert_eq!(outcome(Verb::Unwrap, &ok(&without.replace(KEY, &other))), NONSENSE);
    assert_eq!(outcome(Verb::Unwrap, &ok(&format!(r#"{{"Plaintext":"{SECRET}"}}"#))), NONSENSE);
    assert_eq!(outcome(Verb::Unwrap, "SSH-2.0-OpenSSH_9.2\r\n\r\n"), NONSENSE);
    // Right up to 64 KiB, and not beyond: with a length, and without.
    let padded = |len: usize| format!("{without}{}", " ".repeat(len - without.len()));
    exchange(Verb::Unwrap, &ok(&padded(65_536))).1.unwrap();
    assert_eq!(outcome(Verb::Unwrap, &ok(&padded(65_537))), NONSENSE);
    assert_eq!(outcome(Verb::Unwrap, &format!("HTTP/1.1 200 OK\r\n\r\n{}", padded(65_537))), NONSENSE);
    // Cut off: may be whole next time, but is never taken for an answer.
    let cut = ok(&without);
    assert!(matches!(outcome(Verb::Unwrap, &cut[..cut.len() - 1]), Failure::Retry { .. } | NONSENSE));
}

#[test]
fn a_server_that_hangs_is_left_when_the_time_is_over() {
    for started in ["", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let provider = provider(&format!("http://{}", listener.local_addr().unwrap()));
        let (done, finished) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                request(&mut stream);
                stream.write_all(started.as_bytes()).unwrap();
                // Held open until the client has given up; a client that waits for ever fails here.
                finished.recv_timeout(LONG).unwrap();
            });
            let result = provider.call(&ask(Verb::Unwrap, KEY), Duration::from_millis(300));
            done.send(()).unwrap();
            assert_eq!(result.unwrap_err(), Failure::Retry { after: Duration::ZERO });
        });
    }
}

#[test]
fn a_server_that_is_away_is_asked_again_later() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let provider = provider(&format!("http://{address}"));
    let later = Failure::Retry { after: Duration::ZERO };
    assert_eq!(provider.call(&ask(Verb::Unwrap, KEY), LONG).unwrap_err(), later);
    assert_eq!(provider.call(&ask(Verb::Unwrap, KEY), Duration::ZERO).unwrap_err(), later);
}

#[test]
fn asks_that_no_service_could_answer_are_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let provider = provider(&format!("http://{}", listener.local_addr().unwrap()));
    let fails = |ask: Ask<'_>| provider.call(&ask, LONG).unwrap_err();
    for key_id in ["alias/x", "arn:aws:kms:us-east-1:1:alias/x"] {
        assert_eq!(fails(ask(Verb::Unwrap, key_id)), Failure::Unknown);
    }
    for key_id in ["", "a b", &"x".repeat(256)] {
        assert_eq!(fails(ask(Verb::Generate, key_id)), NONSENSE);
    }
    for blob in [&[][..], &[1; 8193]] {
        assert_eq!(fails(Ask { blob, ..ask(Verb::Unwrap, KEY) }), NONSENSE);
    }
    for verb in [Verb::LoadBucketKey, Verb::StoreBucketKey] {
        assert_eq!(fails(ask(verb, KEY)), NONSENSE);
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn credentials_are_hidden_and_their_source_may_fail() {
    let credentials = AwsCredentials::new("AKID", "hidden-secret", Some("hidden-token")).unwrap();
    let shown = format!("{credentials:?} {:?}", provider("https://kms.us-east-1.amazonaws.com"));
    assert!(shown.contains("AKID") && !shown.contains("hidden"), "{shown}");
    for (id, secret, token) in
        [("", "s", None), ("a b", "s", None), ("a/b", "s", None), ("a", "", None), ("a", "s", Some("t\r\nx: y"))]
    {
        assert!(AwsCredentials::new(id, secret, token).is_err());
    }
    let config = AwsKmsConfig {
        endpoint: "http://127.0.0.1:1",
        region: "us-east-1",
        authorities_pem: None,
        connect_timeout: LONG,
    };
    let provider = AwsKmsProvider::new(&config, |_| Err(Failure::Denied)).unwrap();
    assert_eq!(provider.call(&ask(Verb::Unwrap, KEY), LONG).unwrap_err(), Failure::Denied);
    for bad in [
        AwsKmsConfig { endpoint: "http://kms.example", ..config },
        AwsKmsConfig { region: "", ..config },
        AwsKmsConfig { region: "us/east", ..config },
        AwsKmsConfig { authorities_pem: Some(b"no certificate"), ..config },
    ] {
        assert!(AwsKmsProvider::new(&bad, |_| Err(Failure::Denied)).is_err(), "{bad:?}");
    }
}

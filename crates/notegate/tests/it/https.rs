//! https: the gate's own, and only that.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::harness::{Place, Start, set_mode};
use crate::http::{self, Answer};

/// A certificate for `localhost`, as files in `place`.
fn certificate(place: &Place) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(place.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(place.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    set_mode(&place.join("key.pem"), 0o600);
    made.cert.der().clone()
}

fn send_encrypted(address: &str, trusted: &CertificateDer<'static>, bytes: &[u8]) -> Answer {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = "localhost".try_into().unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut stream = StreamOwned::new(connection, socket);
    stream.write_all(bytes).unwrap();
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    http::read_answer(&mut stream).expect("an answer")
}

#[test]
fn the_gate_speaks_https_itself_and_nothing_else_on_that_port() {
    let place = Place::new();
    let trusted = certificate(&place);
    let gate = Start::demo(&place)
        .set("NOTEGATE_TLS_CERT", "cert.pem")
        .set("NOTEGATE_TLS_KEY", "key.pem")
        .set("REQUIRE_TLS", "true")
        .run();
    let address = gate.url.strip_prefix("https://").expect("an https address");
    assert!(gate.process.output().contains(&gate.url), "{}", gate.process.output());

    // A caller that begins no handshake keeps nobody else waiting.
    let mut silent = TcpStream::connect(address).unwrap();
    let bearer = format!("Bearer {}", gate.admin);
    let list = http::request("GET", "/api/v1/keys", &[("Authorization", &bearer)], None);
    let keys = send_encrypted(address, &trusted, &list).expect(200);
    assert_eq!(keys["items"].as_array().unwrap().len(), 3);

    assert!(http::try_send(address, &list).is_none(), "plain HTTP was answered");
    silent.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut rest = Vec::new();
    let _ = silent.read_to_end(&mut rest);
    assert!(!rest.starts_with(b"HTTP"), "plain HTTP was answered");

    // Commands on this machine do not come over the network: the rule is not for them.
    place.run(&["keys", "list", "--data-dir", "data"], &[]).expect(0);
    assert!(gate.process.stop().success());
}

#[test]
fn what_is_wrong_with_a_certificate_is_said_before_anything_is_opened() {
    let place = Place::new();
    certificate(&place);
    std::fs::write(place.join("nothing.pem"), "nothing").unwrap();
    set_mode(&place.join("nothing.pem"), 0o600);
    std::fs::copy(place.join("key.pem"), place.join("open.pem")).unwrap();
    set_mode(&place.join("open.pem"), 0o644);
    for (chain, key, fault) in [
        (Some("cert.pem"), None, "NOTEGATE_TLS_KEY is required with NOTEGATE_TLS_CERT"),
        (None, Some("key.pem"), "NOTEGATE_TLS_CERT is required with NOTEGATE_TLS_KEY"),
        (Some("cert.pem"), Some("open.pem"), "can be read by others (mode 0644)"),
        (Some("cert.pem"), Some("missing.pem"), "missing.pem cannot be read"),
        (Some("missing.pem"), Some("key.pem"), "NOTEGATE_TLS_CERT: missing.pem"),
        (Some("nothing.pem"), Some("key.pem"), "holds no certificate"),
        (Some("cert.pem"), Some("nothing.pem"), "holds no private key"),
    ] {
        let mut environment = vec![("NOTEGATE_SANDBOX", "true")];
        environment.extend(chain.map(|path| ("NOTEGATE_TLS_CERT", path)));
        environment.extend(key.map(|path| ("NOTEGATE_TLS_KEY", path)));
        let ran = place.run(&["serve", "--listen", "127.0.0.1:0"], &environment);
        assert!(ran.expect(2).err.contains(fault), "{fault}: {ran:?}");
    }
    assert!(!place.join("notegate-data").exists());
}

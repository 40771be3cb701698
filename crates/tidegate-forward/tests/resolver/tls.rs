//! Servers over TLS: whose certificates are believed, and what is shown to them.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tidegate_forward::{
    ClientCertificate, OwnAddresses, Protocol, ResolveError, Resolver, Settings, SetupError, Tls,
    UpstreamSource,
};
use tokio::runtime::Handle;
use tokio_rustls::TlsAcceptor;

use crate::name_server::{NameServer, good_over_tcp, messages, silent};
use crate::{ask_for, found, impatient, resolver};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(params, key).expect("an authority")
}

/// A server with a certificate for this name; it asks clients for one of theirs if told to.
async fn server(authority: &Authority, name: &str, knows_clients: bool) -> NameServer {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, authority).expect("signed");
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions");
    let builder = if knows_clients {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).expect("an authority");
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = builder
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a certificate");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    NameServer::start(messages(silent), Arc::new(good_over_tcp), Some(acceptor)).await
}

fn over_tls(server: &NameServer, own_name: Option<&str>, tls: Tls) -> Settings {
    Settings {
        upstreams: vec![UpstreamSource::Tls {
            address: server.address,
            server_name: own_name.map(str::to_owned),
        }],
        tls,
        ..impatient(&[])
    }
}

fn trusting(authority: &Authority, server_name: Option<&str>) -> Tls {
    Tls {
        authorities: Some(authority.pem().into_bytes()),
        client: None,
        server_name: server_name.map(str::to_owned),
    }
}

#[tokio::test]
async fn a_server_is_believed_if_its_certificate_has_its_name() {
    let authority = authority();
    let by_name = server(&authority, "dns.example.org", false).await;
    let by_address = server(&authority, "127.0.0.1", false).await;
    for (server, own_name, common_name, is_believed) in [
        (&by_name, Some("dns.example.org"), None, true),
        (&by_name, None, Some("dns.example.org"), true),
        (
            &by_name,
            Some("dns.example.org"),
            Some("other.example"),
            true,
        ),
        (
            &by_name,
            Some("other.example"),
            Some("dns.example.org"),
            false,
        ),
        (&by_name, None, None, false),
        (&by_address, None, None, true),
    ] {
        let settings = over_tls(server, own_name, trusting(&authority, common_name));
        let answer = ask_for(&resolver(settings), "example.org.").await;
        match is_believed {
            true => assert_eq!(answer, found(&["192.0.2.2"])),
            false => assert_eq!(answer, Err(ResolveError::NobodyAnswered)),
        }
    }
    assert_eq!(by_name.times_asked(), 3, "a false one learns no question");
}

#[tokio::test]
async fn a_certificate_from_anybody_is_not_enough() {
    let server = server(&authority(), "dns.example.org", false).await;
    let tls = trusting(&authority(), Some("dns.example.org"));
    let answer = ask_for(&resolver(over_tls(&server, None, tls)), "example.org.").await;
    assert_eq!(answer, Err(ResolveError::NobodyAnswered));
    assert_eq!(server.times_asked(), 0);
}

#[tokio::test]
async fn one_connection_serves_many_questions_over_tls() {
    let authority = authority();
    let server = server(&authority, "dns.example.org", false).await;
    let tls = trusting(&authority, Some("dns.example.org"));
    let resolver = resolver(over_tls(&server, None, tls));
    for _ in 0..5 {
        let answer = ask_for(&resolver, "example.org.").await;
        assert_eq!(answer, found(&["192.0.2.2"]));
    }
    assert_eq!(server.connections(), 1);
    assert_eq!(resolver.upstreams()[0].1, Protocol::Tls);
}

#[tokio::test]
async fn a_server_that_wants_to_know_us_does() {
    let authority = authority();
    let server = server(&authority, "dns.example.org", true).await;
    let mut tls = trusting(&authority, Some("dns.example.org"));
    let unknown = resolver(over_tls(&server, None, tls.clone()));
    let answer = ask_for(&unknown, "example.org.").await;
    assert_eq!(answer, Err(ResolveError::NobodyAnswered));
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["client.example.org".to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, &authority).expect("signed");
    tls.client = Some(ClientCertificate {
        chain: certificate.pem().into_bytes(),
        key: key.serialize_pem().into_bytes(),
    });
    let known = resolver(over_tls(&server, None, tls));
    let answer = ask_for(&known, "example.org.").await;
    assert_eq!(answer, found(&["192.0.2.2"]));
}

#[tokio::test]
async fn settings_that_can_not_work_are_refused_with_what_is_wrong() {
    let authority = authority();
    let server = server(&authority, "dns.example.org", false).await;
    let good = trusting(&authority, None);
    let without_authorities = Tls {
        authorities: Some(b"no certificate here".to_vec()),
        ..good.clone()
    };
    let broken_key = Tls {
        client: Some(ClientCertificate {
            chain: authority.pem().into_bytes(),
            key: b"no key here".to_vec(),
        }),
        ..good
    };
    let bad_name = trusting(&authority, Some("no name"));
    for (tls, expected) in [
        (
            without_authorities,
            "no certificate authority can be read from the given file: upstreams with TLS need \
             one that vouches for them",
        ),
        (
            broken_key,
            "the client key for TLS to upstreams can't be read: no items found",
        ),
        (
            bad_name,
            "\"no name\" is no name that a TLS certificate can have: write it like \
             dns.example.org",
        ),
    ] {
        let settings = over_tls(&server, None, tls);
        let refused: Result<_, SetupError> =
            Resolver::new(settings, OwnAddresses::default(), Handle::current());
        assert_eq!(refused.expect_err("refused").to_string(), expected);
    }
}

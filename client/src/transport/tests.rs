//! Endpoints and session names.

use super::*;

#[test]
fn an_endpoint_without_scheme_is_refused_with_advice() {
    for endpoint in ["127.0.0.1:50051", "", "not an endpoint"] {
        let error = endpoint_of(endpoint).expect_err("no URI");
        assert!(error.to_string().contains("http://HOST:PORT"), "{error}");
    }
}

#[test]
fn every_call_names_its_session() {
    let session = Uuid::new_v4();
    let mut name = SessionName::new(session);
    let request = name.call(Request::new(())).expect("never refuses");
    let value = request.metadata().get(SESSION_METADATA_KEY);
    let value = value.and_then(|value| value.to_str().ok());
    assert_eq!(value, Some(session.to_string().as_str()));
}

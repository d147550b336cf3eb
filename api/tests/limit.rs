//! Allowances of clients.

use anyhow::Result;
use reqwest::Method;

use crate::harness::{Api, config};

async fn strict(proxies: &[&str]) -> Result<Api> {
    let first = Api::empty().await?;
    first.blocks(1, 9, 0, 1).await?;
    first.sql("drop function addr; drop function word").await?;
    let mut config = config(&first.database_url)?;
    config.rate_limit = Some(3);
    config.trusted_proxies = proxies.iter().map(|net| net.parse()).collect::<Result<_, _>>()?;
    Api::over(first.db, &config).await
}

#[tokio::test]
async fn a_client_is_told_its_allowance_and_refused_when_it_is_used_up() -> Result<()> {
    let api = strict(&[]).await?;
    for left in ["2", "1", "0"] {
        let answer = api.get("/v1/operators").await?;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit-policy"), "\"client\";q=3;w=60");
        let found = answer.header("ratelimit");
        assert!(found.starts_with(&format!("\"client\";r={left};t=")), "{found}");
    }
    let refused = api.get("/v1/operators").await?;
    refused.problem(429, "too-many-requests");
    let wait: u64 = refused.header("retry-after").parse()?;
    assert!((1..=20).contains(&wait), "{wait}");
    assert!(refused.header("ratelimit").starts_with("\"client\";r=0;t="));
    // What watches over the server is not counted, and nobody changes the address it comes from by a header.
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(api.get(path).await?.status, 200);
    }
    let forged = [("x-forwarded-for", "203.0.113.9")];
    assert_eq!(api.request(Method::GET, "/v1/operators", &forged).await?.status, 429);
    Ok(())
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_an_allowance_of_its_own() -> Result<()> {
    let api = strict(&["127.0.0.0/8", "10.0.0.0/8"]).await?;
    let ask = async |hops: &str| -> Result<u16> {
        let answer = api
            .request(Method::GET, "/v1/operators", &[("x-forwarded-for", hops)])
            .await?;
        Ok(answer.status.as_u16())
    };
    for _ in 0..3 {
        assert_eq!(ask("203.0.113.1").await?, 200);
    }
    assert_eq!(ask("203.0.113.1").await?, 429);
    assert_eq!(
        ask("198.51.100.7, 203.0.113.1:4711, 10.1.2.3").await?,
        429,
        "what it claims before does not count"
    );
    assert_eq!(ask("203.0.113.2").await?, 200);
    // A network of IPv6 is one client.
    for host in ["2001:db8::1", "2001:db8::2", "[2001:db8::3]:443"] {
        assert_eq!(ask(host).await?, 200);
    }
    assert_eq!(ask("2001:db8::4").await?, 429);
    assert_eq!(ask("2001:db8:0:1::4").await?, 200);
    Ok(())
}

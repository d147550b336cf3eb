//! Closed periods: what is derived of outages, and that deriving it again says the same.

mod common;

use common::{Anyhow, Database, Indexer, World, contents};
use plumbline_protocol::OperatorRegistry;

/// Operators that declare one failure domain.
const DOMAIN: [usize; 2] = [2, 6];

/// A world with an outage of a whole domain for a period, and one of a single operator that has not ended.
async fn outages() -> Anyhow<(World, Database, [u64; 3])> {
    let world = World::new().await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    let down = world.run_period(&DOMAIN).await?.period;
    world.traffic(2, 0).await?;
    let up = world.run_period(&[]).await?.period;
    let again = world.run_period(&[3]).await?.period;
    world.indexed(&database).await?;
    indexer.stop().await?;
    Ok((world, database, [down, up, again]))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_a_domain_is_told_of_the_domain_and_ends_when_it_is_seen_up() -> Anyhow {
    let (_world, database, [down, up, again]) = outages().await?;
    let number = async |sql: String| database.number(&sql).await;
    let alarms = "select count(*) from network_alarm where channel = 'common_mode' and domain is not null";
    assert_eq!(
        number(format!("{alarms} and period = {down}")).await?,
        1,
        "the domain's"
    );
    assert_eq!(number("select count(*) from drift_alarm".into()).await?, 0);
    let incidents = "select count(*) from incident join operator_registered using (operator)";
    let of_domain =
        format!("{incidents} where common_mode and period = {down} and slot = 0 and operator_index in (2, 6)");
    assert_eq!(number(of_domain).await?, 2);
    let ended = format!(
        "select count(*) from incident_end where period = {down} and ended_period = {up} and ended_slot = 0
         and missed = 12 and common_missed = 12"
    );
    assert_eq!(number(ended).await?, 2);

    // The third operator's is open, and one alone is no common mode.
    let open = format!(
        "select open_missed::bigint from operator_reliability r join operator_registered using (operator)
         where operator_index = 3 and r.period = {again} and open_period = {again} and open_slot = 0"
    );
    assert_eq!(number(open).await?, 12);
    assert_eq!(
        number(format!(
            "select incidents_open::bigint from network_reliability where period = {again}"
        ))
        .await?,
        1
    );
    // No step was taken in common mode, and one onset of the third operator counted.
    let steps = format!("select onsets_total from network_reliability where period = {again}");
    assert_eq!(number(steps).await?, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_two_causes_of_dependency_add_up() -> Anyhow {
    let (_world, database, _) = outages().await?;
    let split = "select count(*) from network_dependency
                 where abs(dependency - dependency_reliability - dependency_routing) < 1e-12";
    let told =
        "select count(*) from network_dependency where dependency is not null and dependency_routing is not null";
    assert_eq!(database.number(split).await?, database.number(told).await?);
    assert!(database.number(told).await? > 0);
    // What nobody has is no number.
    let empty = "select count(*) from network_concentration where total = 0 and hhi is not null";
    assert_eq!(database.number(empty).await?, 0);
    let levels = "select count(distinct (level, basis)) from network_concentration";
    assert_eq!(database.number(levels).await?, 18);
    Ok(())
}

/// Median of the slopes between all pairs of points.
fn theil_sen(points: &[(f64, f64)]) -> f64 {
    let mut slopes = Vec::new();
    for (n, (x, y)) in points.iter().enumerate() {
        slopes.extend(
            points[..n]
                .iter()
                .map(|(before_x, before_y)| (y - before_y) / (x - before_x)),
        );
    }
    slopes.sort_by(f64::total_cmp);
    f64::midpoint(slopes[(slopes.len() - 1) / 2], slopes[slopes.len() / 2])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fall_of_the_price_shows_in_who_leaves_and_in_how_uptime_follows_it() -> Anyhow {
    let world = World::of_long_periods().await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    let mut points = Vec::new();
    let mut periods = Vec::new();
    for (answer, down, up) in [
        (200_000_000, &[][..], 1.0),
        (160_000_000, &[0], 7.0 / 8.0),
        (120_000_000, &[0, 1], 6.0 / 8.0),
        (80_000_000, &[0, 1, 2], 4.0 / 7.0),
    ] {
        world.price_becomes(answer).await?;
        if answer == 80_000_000 {
            let exit = OperatorRegistry::exitCall {};
            world
                .send(
                    world.operators[7].address,
                    world.deployment.contracts.operator_registry,
                    exit,
                )
                .await?;
        }
        periods.push(world.run_period(down).await?.period);
        points.push(((answer as f64).ln(), up));
    }
    let (first, last) = (periods[0], periods[3]);
    world.pass(30 * 86_400).await?;
    world.indexed(&database).await?;
    indexer.stop().await?;

    let number = async |column: &str, period: u64| -> Anyhow<f64> {
        let found = format!("select coalesce({column}, -1)::text from network_incentive where period = {period}");
        Ok(database.text(&found).await?.parse()?)
    };
    assert_eq!(number("price", last).await?, 0.8e6);
    assert_eq!(
        (number("exited_total", last).await?, number("operators", last).await?),
        (1.0, 7.0)
    );
    assert_eq!(
        number("price_change", last).await?,
        -1.0,
        "a month ago there was no price"
    );
    let elasticity = number("price_elasticity", last + 1).await?;
    assert!((elasticity - theil_sen(&points)).abs() < 1e-12, "{elasticity}");
    assert!(elasticity > 0.0, "uptime fell with the price");
    let change = number("price_change", first + 90).await?;
    assert!(
        (change - 0.4_f64.ln()).abs() < 1e-12,
        "{change} over the month since the price was 2"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn deriving_all_rows_again_changes_none_and_mends_what_was_changed() -> Anyhow {
    let (_world, database, _) = outages().await?;
    let before = contents(&database).await?;
    let checked = plumbline_indexer::refold(&database.url, true).await?;
    assert_eq!(checked.changed, Vec::<String>::new());
    assert!(checked.periods >= 3);
    assert_eq!(contents(&database).await?, before);

    let harm = "with harmed as (update operator_reliability set decayed_hit = decayed_hit + 1e-9 returning 1)
                select count(*) from harmed";
    assert!(database.number(harm).await? > 0);
    let harmed = contents(&database).await?;
    let checked = plumbline_indexer::refold(&database.url, true).await?;
    assert_eq!(checked.changed, ["operator_reliability"]);
    assert_eq!(contents(&database).await?, harmed, "a check changes nothing");

    let refolded = plumbline_indexer::refold(&database.url, false).await?;
    assert_eq!(refolded.changed, ["operator_reliability"]);
    assert_eq!(contents(&database).await?, before);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_older_definitions_are_derived_again_at_the_next_start() -> Anyhow {
    let (world, database, _) = outages().await?;
    let before = contents(&database).await?;
    let age = "with aged as (update network_reliability set method_version = 1, mttr_slots = 77 returning 1)
               select count(*) from aged";
    assert!(database.number(age).await? > 0);
    let indexer = Indexer::start(world.config(&database.url));
    common::until("the rows to be derived again", async || {
        Ok((contents(&database).await? == before).then_some(()))
    })
    .await?;
    indexer.stop().await
}

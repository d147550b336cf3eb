//! The pure part: the same seed gives the same behaviour, and the behaviour resembles a live network.

use plumbline_simulator::{Availability, Population, Reliability, Request, requests};

const SLOTS_PER_PERIOD: u32 = 12;

/// Everything that happens in some slots.
fn trace(seed: u64, slots: std::ops::Range<u64>) -> Vec<(Vec<bool>, Vec<Request>)> {
    let population = Population::generate(seed, 32, 24, 8);
    let mut availability = Availability::new(seed, &population, SLOTS_PER_PERIOD);
    slots
        .map(|slot| {
            let up = availability.up(slot);
            let asked = requests(seed, &population, &up, slot, 48);
            (up, asked)
        })
        .collect()
}

#[test]
fn the_same_seed_gives_the_same_behaviour_whenever_it_is_asked() {
    let whole = trace(7, 0..1_100);
    // No `assert_eq`: it would print it all.
    assert!(whole == trace(7, 0..1_100));
    assert!(whole[1_020..] == trace(7, 1_020..1_100), "a later start finds the same");
    assert_eq!(Population::generate(7, 32, 24, 8), Population::generate(7, 32, 24, 8));
}

#[test]
fn another_seed_gives_another_behaviour() {
    assert!(trace(7, 0..50) != trace(8, 0..50));
    assert_ne!(Population::generate(7, 32, 24, 8), Population::generate(8, 32, 24, 8));
}

#[test]
fn nobody_is_asked_while_down_and_all_requests_follow_a_channel() {
    let population = Population::generate(3, 32, 24, 8);
    for (up, asked) in trace(3, 0..200) {
        for request in asked {
            assert!(up[request.operator]);
            let payer = &population.payers[request.payer];
            assert!(
                payer
                    .channels
                    .iter()
                    .any(|channel| channel.operator == request.operator)
            );
            assert!(population.operators[request.operator].models.contains(&request.model));
            assert!(request.units >= 1 && request.at_permille < 1_000);
        }
    }
}

#[test]
fn operators_are_down_as_often_as_their_reliability_says() {
    for seed in 0..2 {
        let population = Population::generate(seed, 100, 1, 0);
        let count = |reliability| {
            population
                .operators
                .iter()
                .filter(|spec| spec.reliability == reliability)
                .count()
        };
        let counts = [Reliability::Steady, Reliability::Flaky, Reliability::Failing].map(count);
        assert_eq!(counts, [60, 30, 10]);
        assert!(
            population.operators.iter().any(|spec| spec.down_ppm >= 600_000),
            "one is punished again and again"
        );

        let mut availability = Availability::new(seed, &population, SLOTS_PER_PERIOD);
        let slots = 10_240;
        let mut down = vec![0_u64; population.operators.len()];
        for slot in 0..slots {
            for (count, up) in down.iter_mut().zip(availability.up(slot)) {
                *count += u64::from(!up);
            }
        }
        // Outages come in bursts, so one operator's measure is rough; shocks add a little to all.
        for reliability in [Reliability::Steady, Reliability::Flaky, Reliability::Failing] {
            let class = population
                .operators
                .iter()
                .zip(&down)
                .filter(|(spec, _)| spec.reliability == reliability);
            let (meant, measured) = class.fold((0.0, 0.0), |(meant, measured), (spec, down)| {
                (
                    meant + f64::from(spec.down_ppm) / 1e6,
                    measured + *down as f64 / slots as f64,
                )
            });
            let shocks = 0.01 * count(reliability) as f64;
            assert!(
                measured > 0.7 * meant && measured < 1.3 * meant + shocks,
                "{reliability:?}: {measured} instead of {meant}"
            );
        }
    }
}

#[test]
fn what_is_served_is_concentrated_as_in_a_live_network() {
    let (mut top3, mut top10, mut stake3) = (0.0, 0.0, 0.0);
    let seeds = 10;
    for seed in 0..seeds {
        let population = Population::generate(seed, 32, 24, 8);
        let mut served = vec![0_u64; 32];
        for (_, asked) in trace(seed, 0..60) {
            asked
                .iter()
                .for_each(|request| served[request.operator] += request.units);
        }
        top3 += top_share(&served, 3) / seeds as f64;
        top10 += top_share(&served, 10) / seeds as f64;
        let stakes: Vec<u64> = population.operators.iter().map(|spec| spec.stake_bps).collect();
        stake3 += top_share(&stakes, 3) / seeds as f64;
    }
    println!("top 3 serve {top3:.3}, top 10 serve {top10:.3}, top 3 hold {stake3:.3} of the stake");
    // A live network: 54 % and 99.5 % of what is served, 39.5 % of the weight.
    assert!((0.45..0.75).contains(&top3), "top 3 serve {top3}");
    assert!((0.9..=1.0).contains(&top10), "top 10 serve {top10}");
    assert!((0.25..0.65).contains(&stake3), "top 3 hold {stake3}");
}

fn top_share(values: &[u64], count: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    sorted.iter().take(count).sum::<u64>() as f64 / sorted.iter().sum::<u64>() as f64
}

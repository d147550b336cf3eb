//! Average run lengths of control charts: how long until an alarm, drift or none.

use statrs::distribution::{Continuous, ContinuousCDF, Normal};

/// Nodes of the quadrature by which continuous states are cut; twice as many change no printed digit.
const NODES: usize = 96;
const NEWTON_STEPS: u32 = 100;

/// Steps of an absorbing chain from each state, `(I − Q) L = 1`; row i of `transient` are the probabilities of going from
/// i to each state that is no alarm (Brook and Evans 1972). Nothing when an alarm is never reached.
pub fn expected_steps(transient: &[Vec<f64>]) -> Option<Vec<f64>> {
    let n = transient.len();
    let matrix = transient.iter().enumerate().map(|(i, row)| {
        let mut equation: Vec<f64> = row.iter().map(|p| -p).collect();
        equation[i] += 1.0;
        equation.push(1.0);
        equation
    });
    solve(matrix.collect(), n)
}

/// Gauss's elimination with the largest pivot of each column.
fn solve(mut rows: Vec<Vec<f64>>, n: usize) -> Option<Vec<f64>> {
    for column in 0..n {
        let pivot = (column..n).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()))?;
        rows.swap(column, pivot);
        let lead = rows[column].clone();
        if lead[column] == 0.0 {
            return None;
        }
        for row in rows.iter_mut().skip(column + 1) {
            let factor = row[column] / lead[column];
            for (entry, above) in row.iter_mut().zip(&lead).skip(column) {
                *entry -= factor * above;
            }
        }
    }
    let mut solution = vec![0.0; n];
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|j| rows[i][j] * solution[j]).sum();
        solution[i] = (rows[i][n] - known) / rows[i][i];
    }
    Some(solution)
}

/// One-sided CUSUM `S = max(0, S + X − k)` of normal observations with mean `mean` and deviation 1, alarm above `h`.
pub fn normal_cusum(k: f64, h: f64, mean: f64) -> Option<f64> {
    let normal = Normal::standard();
    let nodes = gauss_legendre(0.0, h);
    // State 0 is an atom; the others are the nodes.
    let from = |x: f64| {
        let to = nodes.iter().map(|(y, weight)| weight * normal.pdf(y - x + k - mean));
        std::iter::once(normal.cdf(k - x - mean))
            .chain(to)
            .collect::<Vec<f64>>()
    };
    let states = std::iter::once(0.0).chain(nodes.iter().map(|(y, _)| *y));
    expected_steps(&states.map(from).collect::<Vec<_>>()).map(|steps| steps[0])
}

/// Two-sided EWMA `Z = (1−λ) Z + λ X` of normal observations with mean `mean` and deviation 1, from 0, alarm beyond
/// `c·√(λ/(2−λ))`.
pub fn normal_ewma(lambda: f64, c: f64, mean: f64) -> Option<f64> {
    let normal = Normal::standard();
    let limit = c * (lambda / (2.0 - lambda)).sqrt();
    let nodes = gauss_legendre(-limit, limit);
    let from = |x: f64| {
        let to = |(y, weight): &(f64, f64)| weight / lambda * normal.pdf((y - (1.0 - lambda) * x) / lambda - mean);
        nodes.iter().map(to).collect::<Vec<f64>>()
    };
    let steps = expected_steps(&nodes.iter().map(|(x, _)| from(*x)).collect::<Vec<_>>())?;
    Some(1.0 + from(0.0).iter().zip(&steps).map(|(p, steps)| p * steps).sum::<f64>())
}

/// One-sided CUSUM of counts `S = max(0, S + units·X − 1)` in whole units of its reference value, alarm at `S ≥ limit`, from
/// each of its states; `probability(x)` is that of a count.
pub fn lattice_cusum(units: usize, limit: usize, probability: impl Fn(usize) -> f64) -> Option<Vec<f64>> {
    let mut transient = vec![vec![0.0; limit]; limit];
    for (state, row) in transient.iter_mut().enumerate() {
        for count in 0..=(limit / units + 1) {
            let to = (state + units * count).saturating_sub(1);
            if to < limit {
                row[to] += probability(count);
            }
        }
    }
    expected_steps(&transient)
}

/// Nodes and weights of Gauss and Legendre's quadrature between two points.
fn gauss_legendre(low: f64, high: f64) -> Vec<(f64, f64)> {
    let (middle, half) = ((low + high) / 2.0, (high - low) / 2.0);
    let nodes = (0..NODES).map(|i| {
        let mut x = (std::f64::consts::PI * (i as f64 + 0.75) / (NODES as f64 + 0.5)).cos();
        let mut slope = 1.0;
        for _ in 0..NEWTON_STEPS {
            let (value, derivative) = legendre(x);
            slope = derivative;
            let step = value / derivative;
            x -= step;
            if step.abs() < 1e-15 {
                break;
            }
        }
        (middle + half * x, half * 2.0 / ((1.0 - x * x) * slope * slope))
    });
    nodes.collect()
}

/// Legendre's polynomial of degree [`NODES`], and its derivative.
fn legendre(x: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, x);
    for degree in 2..=NODES {
        let d = degree as f64;
        (before, value) = (value, ((2.0 * d - 1.0) * x * value - (d - 1.0) * before) / d);
    }
    (value, NODES as f64 * (x * value - before) / (x * x - 1.0))
}

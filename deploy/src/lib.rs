//! Deploys and wires the contracts on any network, resumably.

//! A recorded chain: seeded, so that every run of it is the same to the bit, with its logs serialised in advance.

use alloy::consensus::{EMPTY_OMMER_ROOT_HASH, Header};
use alloy::primitives::{Address, B64, B256, Bloom, BloomInput, Bytes, U256, address, keccak256};
use alloy::sol;
use alloy::sol_types::SolEvent;
use axum::body::Bytes as Body;

sol! {
    event TEERegistered(bytes32 indexed teeId, address indexed owner, uint8 teeType);
    event HeartbeatReceived(bytes32 indexed teeId, uint256 timestamp);
    function registerTEEWithAttestation(bytes attestation, bytes key, bytes certificate, address payment, string endpoint, uint8 teeType);
}

pub const CHAIN_ID: u64 = 10_740;
pub const REGISTRY: Address = address!("4e72770760c011647d4873f60a3cf6cdea896cd8");
pub const RELAY: Address = address!("5e88d3a1f2c94b07d6ae10c3b8f7295a4d6c3e71");
pub(crate) const RELAYER: Address = address!("9c41b7f0d25e8a6314f9c0ab7d13e625f84b9a02");

/// Unix seconds of block 0.
const GENESIS_TIME: u64 = 1_767_225_600;
const HEARTBEAT_INTERVAL_S: u64 = 900;
const REGISTRATIONS_PER_BLOCK: u64 = 10;
const ENCLAVES_PER_OWNER: u64 = 5;
/// One heartbeat of so many does not come.
const MISSES_ONE_IN: u64 = 64;
/// The enclave signed at most so many seconds before its heartbeat got into a block.
const SIGNED_BEFORE_S: u64 = 20;
/// Blocks without logs at the end, so that everything else is final for every indexer.
pub const TAIL_BLOCKS: u64 = 256;

/// What is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    pub seed: u64,
    /// Blocks stop after this many heartbeats, with the block that holds the last.
    pub heartbeats: u64,
    pub enclaves: u64,
    pub block_seconds: u64,
    /// Whether logs carry the field `blockTimestamp`, as those of most clients do.
    pub timed: bool,
}

impl Plan {
    /// About 100 heartbeats in each block.
    pub fn dense(heartbeats: u64) -> Self {
        Self {
            seed: 1,
            heartbeats,
            enclaves: 1_000,
            block_seconds: 90,
            timed: true,
        }
    }

    /// About one heartbeat in ten blocks.
    pub fn sparse(blocks: u64) -> Self {
        Self {
            seed: 2,
            heartbeats: blocks / 10,
            enclaves: 46,
            block_seconds: 2,
            timed: true,
        }
    }
}

/// One `HeartbeatReceived` log, as a row of any indexer has to show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    pub block_number: u64,
    pub log_index: u64,
    pub tx_hash: B256,
    pub tee_id: B256,
    pub timestamp: u64,
}

struct Enclave {
    /// Hash of its key.
    id: B256,
    key: Bytes,
    owner: Address,
    /// Bits that its id sets in a block's bloom.
    bloom: Bloom,
}

/// The chain, in memory.
pub struct Recording {
    plan: Plan,
    enclaves: Vec<Enclave>,
    /// Enclaves by the block of their interval in which they beat.
    shifts: Vec<Vec<usize>>,
    /// Number of the first block that may hold heartbeats; those before hold registrations only.
    first_heartbeat_block: u64,
    /// Number of the last block that holds logs, once the recording has come to it.
    last_busy_block: Option<u64>,
    hashes: Vec<B256>,
    /// Logs before each block, and at the end their number.
    counts: Vec<u64>,
    /// Where the JSON of each block's logs begins in `logs`; they are separated by commas, also at the end.
    offsets: Vec<usize>,
    logs: Body,
}

/// A position-dependent random number (SplitMix64 over its inputs).
fn random(seed: u64, a: u64, b: u64) -> u64 {
    let mut z = seed
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(a.wrapping_mul(0xd1b5_4a32_d192_ed03))
        .wrapping_add(b.wrapping_mul(0x8cb9_2ba7_2f3d_8dd7));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn random_hash(seed: u64, kind: &str, a: u64, b: u64) -> B256 {
    let mut input = kind.as_bytes().to_vec();
    for number in [seed, a, b] {
        input.extend_from_slice(&number.to_be_bytes());
    }
    keccak256(input)
}

impl Recording {
    /// Makes the whole chain.
    pub fn make(plan: Plan) -> Self {
        let enclaves: Vec<_> = (0..plan.enclaves).map(|number| enclave(plan.seed, number)).collect();
        let blocks_per_interval = (HEARTBEAT_INTERVAL_S / plan.block_seconds).max(1);
        let mut shifts = vec![Vec::new(); blocks_per_interval as usize];
        for number in 0..plan.enclaves {
            let shift = number * blocks_per_interval / plan.enclaves;
            shifts[shift as usize].push(number as usize);
        }
        let mut recording = Self {
            plan,
            enclaves,
            shifts,
            first_heartbeat_block: 1 + plan.enclaves.div_ceil(REGISTRATIONS_PER_BLOCK),
            last_busy_block: None,
            hashes: Vec::new(),
            counts: vec![0],
            offsets: vec![0],
            logs: Body::new(),
        };
        recording.record();
        recording
    }

    fn record(&mut self) {
        let mut logs = String::new();
        let mut heartbeats = 0;
        for number in 0.. {
            let header = self.header(number);
            self.hashes.push(header.hash_slow());
            let wrote = self.put_logs(&mut logs, number);
            self.counts.push(self.counts[number as usize] + wrote);
            self.offsets.push(logs.len());
            if number >= self.first_heartbeat_block {
                heartbeats += wrote;
            }
            match self.last_busy_block {
                None if heartbeats >= self.plan.heartbeats => self.last_busy_block = Some(number),
                Some(last) if number == last + TAIL_BLOCKS => break,
                None | Some(_) => {}
            }
        }
        self.logs = Body::from(logs);
    }

    pub fn plan(&self) -> Plan {
        self.plan
    }

    /// Number of the newest block.
    pub fn head(&self) -> u64 {
        self.hashes.len() as u64 - 1
    }

    /// Number of the last block that holds logs.
    pub fn last_busy_block(&self) -> u64 {
        self.last_busy_block.unwrap_or_default()
    }

    pub fn hash(&self, number: u64) -> Option<B256> {
        self.hashes.get(usize::try_from(number).ok()?).copied()
    }

    pub fn number_of(&self, hash: B256) -> Option<u64> {
        self.hashes.iter().position(|known| *known == hash).map(|at| at as u64)
    }

    /// First block that may hold heartbeats.
    pub fn first_heartbeat_block(&self) -> u64 {
        self.first_heartbeat_block
    }

    /// Logs in a range of blocks, ends included.
    pub fn count(&self, from: u64, to: u64) -> u64 {
        self.counts[to as usize + 1] - self.counts[from as usize]
    }

    /// The last block up to which a range from `from` holds no more than `limit` logs.
    pub fn reach(&self, from: u64, limit: u64) -> u64 {
        let most = self.counts[from as usize] + limit;
        let after = self.counts.partition_point(|count| *count <= most);
        (after as u64).saturating_sub(2).clamp(from, self.head())
    }

    /// JSON of the logs in a range of blocks, without the brackets around them.
    pub fn logs(&self, from: u64, to: u64) -> Body {
        let (start, end) = (self.offsets[from as usize], self.offsets[to as usize + 1]);
        // The last comma separates from what is not asked for.
        self.logs.slice(start..end.max(start + 1) - 1)
    }

    /// Bytes of all logs.
    pub fn bytes(&self) -> usize {
        self.logs.len()
    }

    /// Enclaves that beat in a block, in order.
    fn beating(&self, number: u64) -> impl Iterator<Item = usize> + '_ {
        let quiet = number < self.first_heartbeat_block || self.last_busy_block.is_some_and(|last| number > last);
        let shift = (number % self.shifts.len() as u64) as usize;
        let due: &[usize] = if quiet { &[] } else { &self.shifts[shift] };
        due.iter()
            .copied()
            .filter(move |enclave| !random(self.plan.seed, number, *enclave as u64).is_multiple_of(MISSES_ONE_IN))
    }

    /// Heartbeats of one block, in order.
    pub fn heartbeats(&self, number: u64) -> impl Iterator<Item = Heartbeat> + '_ {
        let tx_hash = self.heartbeat_tx(number);
        let time = self.time(number);
        self.beating(number).enumerate().map(move |(index, enclave)| Heartbeat {
            block_number: number,
            log_index: index as u64,
            tx_hash,
            tee_id: self.enclaves[enclave].id,
            timestamp: time - random(self.plan.seed, enclave as u64, number) % SIGNED_BEFORE_S,
        })
    }

    /// All heartbeats, in order.
    pub fn all_heartbeats(&self) -> impl Iterator<Item = Heartbeat> + '_ {
        (self.first_heartbeat_block..=self.last_busy_block()).flat_map(|number| self.heartbeats(number))
    }

    /// The last heartbeat.
    pub fn last(&self) -> Option<Heartbeat> {
        self.heartbeats(self.last_busy_block()).last()
    }

    /// Enclaves that register in a block.
    pub(crate) fn registrations(&self, number: u64) -> std::ops::Range<u64> {
        let from = number.saturating_sub(1) * REGISTRATIONS_PER_BLOCK;
        if number == 0 || from >= self.plan.enclaves {
            return 0..0;
        }
        from..(from + REGISTRATIONS_PER_BLOCK).min(self.plan.enclaves)
    }

    pub(crate) fn enclave_id(&self, enclave: u64) -> B256 {
        self.enclaves[enclave as usize].id
    }

    pub(crate) fn key(&self, enclave: u64) -> Bytes {
        self.enclaves[enclave as usize].key.clone()
    }

    pub(crate) fn owner(&self, enclave: u64) -> Address {
        self.enclaves[enclave as usize].owner
    }

    pub(crate) fn time(&self, number: u64) -> u64 {
        GENESIS_TIME + number * self.plan.block_seconds
    }

    pub(crate) fn registration_tx(&self, enclave: u64) -> B256 {
        random_hash(self.plan.seed, "registration", enclave, 0)
    }

    fn heartbeat_tx(&self, number: u64) -> B256 {
        random_hash(self.plan.seed, "heartbeats", number, 0)
    }

    pub(crate) fn header(&self, number: u64) -> Header {
        let root = |kind| random_hash(self.plan.seed, kind, number, 0);
        Header {
            parent_hash: number
                .checked_sub(1)
                .map(|parent| self.hashes[parent as usize])
                .unwrap_or_default(),
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            beneficiary: RELAYER,
            state_root: root("state"),
            transactions_root: root("transactions"),
            receipts_root: root("receipts"),
            logs_bloom: self.bloom(number),
            difficulty: U256::ZERO,
            number,
            gas_limit: 30_000_000,
            gas_used: 21_000,
            timestamp: self.time(number),
            mix_hash: root("mix"),
            nonce: B64::ZERO,
            base_fee_per_gas: Some(1_000_000_000),
            extra_data: Bytes::new(),
            ..Header::default()
        }
    }

    fn bloom(&self, number: u64) -> Bloom {
        let mut bloom = Bloom::ZERO;
        for enclave in self.registrations(number) {
            let enclave = &self.enclaves[enclave as usize];
            let signature = TEERegistered::SIGNATURE_HASH;
            for bytes in [
                REGISTRY.as_slice(),
                signature.as_slice(),
                enclave.owner.into_word().as_slice(),
            ] {
                bloom.accrue(BloomInput::Raw(bytes));
            }
            bloom |= enclave.bloom;
        }
        for (index, enclave) in self.beating(number).enumerate() {
            if index == 0 {
                bloom.accrue(BloomInput::Raw(REGISTRY.as_slice()));
                bloom.accrue(BloomInput::Raw(HeartbeatReceived::SIGNATURE_HASH.as_slice()));
            }
            bloom |= self.enclaves[enclave].bloom;
        }
        bloom
    }
}

fn key(seed: u64, number: u64) -> Vec<u8> {
    [random_hash(seed, "key", number, 0), random_hash(seed, "key", number, 1)].concat()
}

fn enclave(seed: u64, number: u64) -> Enclave {
    let key = key(seed, number);
    let id = keccak256(&key);
    let mut bloom = Bloom::ZERO;
    bloom.accrue(BloomInput::Raw(id.as_slice()));
    Enclave {
        id,
        key: key.into(),
        owner: Address::from_word(random_hash(seed, "owner", number / ENCLAVES_PER_OWNER, 0)),
        bloom,
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IBatches} from "./IBatches.sol";

/// @title Escrow and settlement of inference fees by cumulative vouchers
/// @notice Immutable. Payers fund a channel with an operator; the payer (or a session key it authorised) signs
///         cumulative vouchers; the operator settles many at once beside the Merkle root of the receipts it signed.
///         All amounts are base units of the fee token.
interface IInferenceSettlement {
    /// @notice Why a voucher was not paid, or not in full.
    /// @dev `InvalidSigner`: not signed by the payer or a live session key of it. `Stale`: nothing new in it (a replay).
    ///      `UnitsDecreased`: fewer units than settled. `NotOffered`: the operator never offered the model.
    ///      `Underfunded`: the channel paid what it had; the same voucher pays the rest after a deposit. `Uncovered`: the
    ///      operator's collateral covers no more open risk; the same voucher pays the rest after batches were released or
    ///      stake was added.
    enum SkipReason {
        InvalidSigner,
        Stale,
        UnitsDecreased,
        NotOffered,
        Underfunded,
        Uncovered
    }

    /// @notice EIP-712 `Voucher(address payer,address operator,bytes32 modelId,uint128 cumulativeFee,uint64 cumulativeUnits)`.
    /// @param cumulativeFee All fees ever owed in this lane (payer, operator, model).
    /// @param cumulativeUnits All units of inference ever served in this lane.
    struct Voucher {
        address payer;
        address operator;
        bytes32 modelId;
        uint128 cumulativeFee;
        uint64 cumulativeUnits;
    }

    /// @param balance Everything deposited, less what an exit paid back.
    /// @param settled Everything paid out of it to the operator's side.
    /// @param exitAt Unix seconds from which the rest can be withdrawn; zero when no exit was started. Each pause that
    ///        comes before it moves it by its length.
    struct Channel {
        uint128 balance;
        uint128 settled;
        uint64 exitAt;
    }

    /// @param fee Fees settled so far.
    /// @param units Units settled so far.
    /// @param royaltyBps Royalty of the version offered when the lane was first settled; fixed for the lane.
    /// @param open True once a voucher was paid in it.
    struct Lane {
        uint128 fee;
        uint64 units;
        uint16 royaltyBps;
        bool open;
    }

    /// @param payer Whose session key it is, for ever; zero when never authorised.
    /// @param validUntil Unix seconds until which its vouchers settle. Each pause that comes before it moves it by its
    ///        length.
    struct Signer {
        address payer;
        uint64 validUntil;
    }

    /// @param locked Of released batches, dispute window still open.
    /// @param claimable Free to be claimed.
    /// @param undrawn Of open batches: it waits for their release.
    struct Earnings {
        uint256 locked;
        uint256 claimable;
        uint256 undrawn;
    }

    /// @notice What a fault takes of an operator's unpaid earnings, and who gets it.
    /// @param operator Who did it.
    /// @param amount Most to take.
    /// @param cutBps Part of what is taken for `beneficiary`, basis points, at most `MAX_CUT_BPS`, rounded down.
    /// @param beneficiary Who proved it; zero when nobody.
    /// @param victim Who is refunded first; zero when nobody.
    /// @param refund Most that the victim gets.
    struct Seizure {
        address operator;
        uint256 amount;
        uint256 cutBps;
        address beneficiary;
        address victim;
        uint256 refund;
    }

    /// @notice What a seizure came to: `fromClaimable + fromLocked + fromUndrawn = refund + cut + burned + reserved`.
    /// @param fromClaimable Taken from claimable earnings, which come first.
    /// @param fromLocked Taken from locked earnings, the oldest first.
    /// @param fromUndrawn Taken from earnings of open batches.
    /// @param refund Credited to the victim.
    /// @param cut Credited to the beneficiary.
    /// @param burned Credited to `BURN`: half of the rest, rounded up.
    /// @param reserved Credited to `RESERVE`: half of the rest, rounded down.
    struct Seized {
        uint256 fromClaimable;
        uint256 fromLocked;
        uint256 fromUndrawn;
        uint256 refund;
        uint256 cut;
        uint256 burned;
        uint256 reserved;
    }

    /// @notice A payer's channel with an operator was funded; `from` sent the tokens.
    event Deposited(address indexed payer, address indexed operator, address indexed from, uint256 amount);

    /// @notice `signer` may sign vouchers for `payer` until `validUntil` (unix seconds).
    event SignerAuthorized(address indexed payer, address indexed signer, uint64 validUntil);

    /// @notice The session key settles nothing after `validUntil` (unix seconds).
    event SignerRevoked(address indexed payer, address indexed signer, uint64 validUntil);

    /// @notice The payer can take the rest of the channel from `exitAt` (unix seconds) on.
    event ExitStarted(address indexed payer, address indexed operator, uint64 exitAt);

    /// @notice The exit was called off.
    event ExitCancelled(address indexed payer, address indexed operator);

    /// @notice The rest of the channel went back to the payer.
    event ExitFinished(address indexed payer, address indexed operator, uint256 amount);

    /// @notice Receipts were committed and their value is at risk; the vouchers paid with them are the `FeesSettled` with
    ///         the same `batchId`. With the block's time and number these are the terms of an `IBatches.Batch`.
    event BatchSettled(
        address indexed operator,
        uint256 indexed batchId,
        bytes32 receiptsRoot,
        uint32 receiptCount,
        uint128 earned,
        uint128 risk,
        string evidenceURI
    );

    /// @notice A voucher was paid: `fee = protocolFee + royalty + operator's net`, to the base unit. Protocol fee and
    ///         royalty are each the growth of `floor(lane fee * bps / 10,000)`, so that slicing a fee changes nothing; of a
    ///         fee of one base unit the protocol takes its part first.
    event FeesSettled(
        address indexed operator,
        address indexed payer,
        bytes32 indexed modelId,
        uint256 batchId,
        uint64 units,
        uint128 fee,
        uint128 protocolFee,
        uint128 royalty
    );

    /// @notice A voucher, or the part `unpaid` of it, was not paid.
    event VoucherSkipped(
        address indexed operator,
        address indexed payer,
        bytes32 indexed modelId,
        uint256 batchId,
        SkipReason reason,
        uint128 unpaid
    );

    /// @notice `amount` passed its dispute window and can be claimed.
    event EarningsReleased(address indexed operator, uint256 amount);

    /// @notice Claimable earnings left: `paid` to the operator's payout address, `distributed` to its pool's stakers.
    event EarningsClaimed(address indexed operator, address indexed payout, uint256 paid, uint256 distributed);

    /// @notice A fault took unpaid earnings. `beneficiary` and `victim` are those named, whatever they got.
    event EarningsSeized(address indexed operator, address indexed beneficiary, address indexed victim, Seized seized);

    /// @notice Settlements and exits stand still until `until` (unix seconds), and deadlines of payers with them.
    event Paused(address indexed guardian, uint64 until);

    /// @notice The pause ended now, before its time.
    event Unpaused(address indexed guardian);

    /// @notice Royalties left for the model's present publisher.
    event RoyaltiesClaimed(address indexed publisher, bytes32 indexed modelId, uint256 amount);

    /// @notice Protocol fees or seized earnings left for the account that they were credited to.
    event CreditCollected(address indexed account, uint256 amount);

    /// @notice Emitted once, at deployment.
    /// @param reserve Account that protocol fees and seized earnings are credited to.
    /// @param protocolFeeBps Protocol's share of each fee, basis points of 10,000, rounded down over a lane.
    /// @param exitDelay Seconds between starting and finishing an exit; also the notice of a signer's revocation.
    /// @param epochDuration Seconds of an epoch; earnings stay locked for 7 to 8 of them.
    event InferenceSettlementConfigured(
        address feeToken,
        address operatorRegistry,
        address modelRegistry,
        address stakeVault,
        address reserve,
        uint16 protocolFeeBps,
        uint64 exitDelay,
        uint64 epochDuration
    );

    /// @notice Emitted once, at deployment.
    /// @param priceOracle Price of stake in fee tokens; zero where they are one token.
    event CoverageConfigured(address priceOracle, IBatches.CoverageTerms terms);

    error InferenceSettlement_ZeroAmount();
    error InferenceSettlement_ZeroAddress();
    error InferenceSettlement_NotSettler(address caller, address operator);
    error InferenceSettlement_BatchSize(uint256 vouchers, uint256 signatures, uint256 max);
    error InferenceSettlement_MixedOperators(uint256 position, address operator, address expected);
    error InferenceSettlement_EmptyReceipts();
    error InferenceSettlement_SignerBound(address signer, address payer);
    error InferenceSettlement_SignerUnknown(address signer, address payer);
    error InferenceSettlement_InvalidSignerProof(address signer, address recovered);
    error InferenceSettlement_ValidityInPast(uint64 validUntil);
    error InferenceSettlement_ValidityShortened(uint64 validUntil, uint64 current);
    error InferenceSettlement_WrongAuthorizationNonce(bytes32 nonce, bytes32 expected);
    error InferenceSettlement_NoExit(address payer, address operator);
    error InferenceSettlement_ExitAlreadyStarted(uint64 exitAt);
    error InferenceSettlement_ExitNotReady(uint64 exitAt);
    error InferenceSettlement_NothingToClaim(address account);
    error InferenceSettlement_NoRoyalties(bytes32 modelId);
    error InferenceSettlement_CutTooHigh(uint256 cutBps, uint256 max);
    error InferenceSettlement_FeeTokenMismatch(address feeToken, address distributedByVault);
    error InferenceSettlement_ProtocolFeeTooHigh(uint16 protocolFeeBps, uint16 max);
    error InferenceSettlement_DurationOutOfRange(uint64 duration, uint64 min, uint64 max);
    error InferenceSettlement_PriceOracleMismatch(address priceOracle, bool oneToken);
    error InferenceSettlement_UnsafeCoverage(IBatches.CoverageTerms terms);
    error InferenceSettlement_Uncovered(uint256 declaredRisk, uint256 headroom);
    error InferenceSettlement_Paused(uint64 until);
    error InferenceSettlement_PausedRecently(uint64 notBefore);
    error InferenceSettlement_NotPaused();

    /// @notice Most vouchers one call may settle.
    function MAX_VOUCHERS() external view returns (uint256);

    /// @notice Most of a seizure that can be credited to a beneficiary, basis points of 10,000.
    function MAX_CUT_BPS() external view returns (uint256);

    /// @notice Longest pause, seconds.
    function MAX_PAUSE() external view returns (uint64);

    /// @notice Least time between the end of a pause and the next one, seconds.
    function PAUSE_COOLDOWN() external view returns (uint64);

    /// @notice Account that burned earnings are credited to; nobody holds its key.
    function BURN() external view returns (address);

    /// @notice Protocol's share of each fee, basis points of 10,000.
    function PROTOCOL_FEE_BPS() external view returns (uint16);

    /// @notice Seconds between starting and finishing an exit.
    function EXIT_DELAY() external view returns (uint64);

    /// @notice Seconds of an epoch of the earnings ring.
    function EPOCH_DURATION() external view returns (uint64);

    /// @notice Token that fees are paid in.
    function FEE_TOKEN() external view returns (address);

    /// @notice Account that protocol fees and the reserve's part of seized earnings are credited to.
    function RESERVE() external view returns (address);

    /// @notice Funds a channel with tokens of the caller, who need not be the payer.
    function deposit(address payer, address operator, uint256 amount) external;

    /// @notice Funds the caller's channel with an ERC-2612 permit. A permit that somebody else already submitted does
    ///         not block the deposit.
    function depositWithPermit(address operator, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external;

    /// @notice Funds `payer`'s channel with an ERC-3009 authorisation that `payer` signed; anyone may submit it.
    /// @param nonce `keccak256(abi.encode(operator, salt))`: it binds the operator, which ERC-3009 itself does not sign.
    function depositWithAuthorization(
        address payer,
        address operator,
        uint256 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 salt,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice Lets a session key sign vouchers for the caller. The key is bound to the caller for ever; calling again
    ///         can only extend its validity; `revokeSigner` ends it.
    /// @param proof EIP-712 signature by `signer` over `SignerBinding(address payer,address signer)`.
    function authorizeSigner(address signer, uint64 validUntil, bytes calldata proof) external;

    /// @notice Ends a session key after `EXIT_DELAY`, so that operators can settle what it signed.
    function revokeSigner(address signer) external;

    /// @notice Settles vouchers of one operator and commits the receipts behind them. By the operator or its settler.
    /// @dev Reverts only for a malformed call or a pause; a voucher that cannot be paid is skipped with `VoucherSkipped`,
    ///      so no third party can kill a batch. Replays are no-ops because vouchers are cumulative. Fees are paid up to the
    ///      operator's headroom (`IBatches.coverage`) as of before the batch.
    /// @param vouchers 1 to `MAX_VOUCHERS`, all naming the same operator.
    /// @param signatures One 65-byte ECDSA signature for each voucher.
    /// @param receiptsRoot Root of the OpenZeppelin standard Merkle tree over the receipts, not zero.
    /// @param receiptCount Leaves of that tree, not zero.
    /// @param declaredRisk What the batch is worth to who would cheat on it, where that is more than its fees; above the
    ///        headroom the call reverts, because it is the caller's own word.
    /// @param evidenceURI Where receipts can be had.
    /// @return batchId Number of the batch, from 1.
    function settle(
        Voucher[] calldata vouchers,
        bytes[] calldata signatures,
        bytes32 receiptsRoot,
        uint32 receiptCount,
        uint128 declaredRisk,
        string calldata evidenceURI
    ) external returns (uint256 batchId);

    /// @notice Starts the caller's exit from its channel with an operator.
    function startExit(address operator) external;

    /// @notice Calls the exit off.
    function cancelExit(address operator) external;

    /// @notice Pays the rest of the caller's channel back.
    function finishExit(address operator) external returns (uint256 amount);

    /// @notice Pays out released earnings: the commission to the operator's payout address, the rest to the stakers of
    ///         its pool (all to the operator while the pool has no shares). Anyone may call.
    /// @dev Stakers do not wait for the operator: what its payout address cannot receive stays claimable, and is shared
    ///      out like any other earnings at the next claim.
    /// @return amount What was paid and distributed.
    function claim(address operator) external returns (uint256 amount);

    /// @notice Pays a model's royalties to its present publisher. Anyone may call.
    function claimRoyalties(bytes32 modelId) external returns (uint256 amount);

    /// @notice Pays what was credited to an account. Anyone may call.
    function collect(address account) external returns (uint256 amount);

    /// @notice Takes up to `seizure.amount` of an operator's unpaid earnings: claimable first, then the oldest locked, then
    ///         what open batches earned. Of it the victim is refunded first, then comes the cut (of all that was taken, as
    ///         far as the refund left it); half of the rest is burned, half is the reserve's. Restricted.
    /// @dev Saturates: it never reverts for size. Credits, never pushes.
    /// @return actual What was taken.
    function seize(Seizure calldata seizure) external returns (uint256 actual);

    /// @notice Stops settlements and exits for `duration` seconds, 1 to `MAX_PAUSE`, and no sooner than `PAUSE_COOLDOWN`
    ///         after the last pause ended. Deposits, claims, releases, seizures and the start of exits go on. Restricted.
    function pause(uint64 duration) external;

    /// @notice Ends a pause before its time. Restricted.
    function unpause() external;

    /// @notice End of the present or the last pause, unix seconds; zero when there was none.
    function pausedUntil() external view returns (uint64);

    /// @notice How long it was paused in all, seconds: exits and session keys as of an event are later by what this grew.
    function pausedSeconds() external view returns (uint64);

    /// @notice A channel.
    function channel(address payer, address operator) external view returns (Channel memory);

    /// @notice A lane.
    function lane(address payer, address operator, bytes32 modelId) external view returns (Lane memory);

    /// @notice A session key.
    function signer(address key) external view returns (Signer memory);

    /// @notice Earnings as of now, with buckets that have matured counted as claimable.
    function earnings(address operator) external view returns (Earnings memory);

    /// @notice Royalties that wait for `claimRoyalties`.
    function royalties(bytes32 modelId) external view returns (uint256);

    /// @notice Credits that wait for `collect`.
    function credited(address account) external view returns (uint256);

    /// @notice Batches settled so far; also the number of the newest.
    function batchCount() external view returns (uint256);

    /// @notice Protocol fees charged since deployment, collected or not.
    function protocolFeesCharged() external view returns (uint256);

    /// @notice `keccak256(abi.encode(batchId, batch, released))` with the batch as an `IBatches.Batch`.
    function batchCommitment(uint256 batchId) external view returns (bytes32);

    /// @notice EIP-712 digest that a voucher's signer signs.
    function voucherDigest(Voucher calldata voucher) external view returns (bytes32);

    /// @notice EIP-712 digest that a session key signs to be bound to a payer.
    function signerBindingDigest(address payer, address key) external view returns (bytes32);
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @title Escrow and settlement of inference fees by cumulative vouchers
/// @notice Immutable. Payers fund a channel with an operator; the payer (or a session key it authorised) signs
///         cumulative vouchers; the operator settles many at once beside the Merkle root of the receipts it signed.
///         All amounts are base units of the fee token.
interface IInferenceSettlement {
    /// @notice Why a voucher was not paid, or not in full.
    /// @dev `InvalidSigner`: not signed by the payer or a live session key of it. `Stale`: nothing new in it (a replay).
    ///      `UnitsDecreased`: fewer units than settled. `NotOffered`: the operator never offered the model.
    ///      `Underfunded`: the channel paid what it had; the same voucher pays the rest after a deposit.
    enum SkipReason {
        InvalidSigner,
        Stale,
        UnitsDecreased,
        NotOffered,
        Underfunded
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
    /// @param exitAt Unix seconds from which the rest can be withdrawn; zero when no exit was started.
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
    /// @param validUntil Unix seconds until which its vouchers settle.
    struct Signer {
        address payer;
        uint64 validUntil;
    }

    /// @param locked Earned, dispute window still open.
    /// @param claimable Free to be claimed.
    struct Earnings {
        uint256 locked;
        uint256 claimable;
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

    /// @notice Receipts were committed; the vouchers paid with them follow as `FeesSettled` with the same `batchId`.
    event BatchSettled(
        address indexed operator,
        uint256 indexed batchId,
        bytes32 receiptsRoot,
        uint32 receiptCount,
        uint32 epoch,
        uint256 earned,
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

    /// @notice A fault took `fromClaimable + fromLocked` of the earnings; `cut` of it is credited to `beneficiary`, the
    ///         rest to the reserve.
    event EarningsSeized(
        address indexed operator, address indexed beneficiary, uint256 fromClaimable, uint256 fromLocked, uint256 cut
    );

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

    /// @notice Most vouchers one call may settle.
    function MAX_VOUCHERS() external view returns (uint256);

    /// @notice Protocol's share of each fee, basis points of 10,000.
    function PROTOCOL_FEE_BPS() external view returns (uint16);

    /// @notice Seconds between starting and finishing an exit.
    function EXIT_DELAY() external view returns (uint64);

    /// @notice Seconds of an epoch of the earnings ring.
    function EPOCH_DURATION() external view returns (uint64);

    /// @notice Token that fees are paid in.
    function FEE_TOKEN() external view returns (address);

    /// @notice Account that protocol fees and seized earnings are credited to.
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
    /// @dev Reverts only for a malformed call; a voucher that cannot be paid is skipped with `VoucherSkipped`, so no
    ///      third party can kill a batch. Replays are no-ops because vouchers are cumulative.
    /// @param vouchers 1 to `MAX_VOUCHERS`, all naming the same operator.
    /// @param signatures One 65-byte ECDSA signature for each voucher.
    /// @param receiptsRoot Root of the OpenZeppelin standard Merkle tree over the receipts, not zero.
    /// @param receiptCount Leaves of that tree, not zero.
    /// @param evidenceURI Where receipts can be had.
    /// @return batchId Number of the batch, from 1.
    function settle(
        Voucher[] calldata vouchers,
        bytes[] calldata signatures,
        bytes32 receiptsRoot,
        uint32 receiptCount,
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

    /// @notice Takes up to `amount` of an operator's unpaid earnings, released first, then the oldest locked. Restricted.
    /// @dev Saturates: it never reverts for size.
    /// @return actual What was taken.
    function seize(address operator, uint256 amount, uint256 cutBps, address beneficiary)
        external
        returns (uint256 actual);

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

    /// @notice `keccak256(abi.encode(operator, receiptsRoot, receiptCount, settledAt, earned))` of a batch.
    function batchCommitment(uint256 batchId) external view returns (bytes32);

    /// @notice EIP-712 digest that a voucher's signer signs.
    function voucherDigest(Voucher calldata voucher) external view returns (bytes32);

    /// @notice EIP-712 digest that a session key signs to be bound to a payer.
    function signerBindingDigest(address payer, address key) external view returns (bytes32);
}

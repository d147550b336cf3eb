// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IBatches} from "./interfaces/IBatches.sol";
import {IInferenceSettlement} from "./interfaces/IInferenceSettlement.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {IOperatorRegistry} from "./interfaces/IOperatorRegistry.sol";
import {IPriceOracle} from "./interfaces/IPriceOracle.sol";
import {IStakeVault} from "./interfaces/IStakeVault.sol";
import {CoverageMath} from "./libraries/CoverageMath.sol";
import {EarningsRing} from "./libraries/EarningsRing.sol";
import {PoolIncome} from "./libraries/PoolIncome.sol";
import {Channels} from "./settlement/Channels.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title InferenceSettlement
/// @notice Behaviour, units and errors are documented on `IInferenceSettlement` and `IBatches`.
contract InferenceSettlement is IBatches, Channels {
    using EarningsRing for EarningsRing.Ring;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /// @param operator Whose vouchers they are.
    /// @param batchId Batch that is being settled.
    /// @param protocolFees Sum of protocol fees so far.
    /// @param earned Sum of operator's net so far.
    /// @param paid Sum of fees so far.
    /// @param headroom Most that `paid` may come to.
    struct Tab {
        address operator;
        uint64 batchId;
        uint128 protocolFees;
        uint128 earned;
        uint128 paid;
        uint128 headroom;
    }

    /// @dev One slot, because every settlement writes both.
    /// @param openRisk Sum of the risk of the operator's open batches.
    /// @param undrawn What open batches earned, less what was seized of it.
    struct Exposure {
        uint128 openRisk;
        uint128 undrawn;
    }

    struct Configuration {
        address reserve;
        uint16 protocolFeeBps;
        uint64 exitDelay;
        uint64 epochDuration;
        CoverageTerms coverage;
    }

    uint256 public constant MAX_VOUCHERS = 256;
    uint256 public constant MAX_CUT_BPS = 2000;
    uint16 private constant MAX_PROTOCOL_FEE_BPS = 2000;
    uint64 private constant MAX_EPOCH_DURATION = 30 days;
    uint256 private constant BPS = 10_000;
    address public constant BURN = 0x000000000000000000000000000000000000dEaD;

    IOperatorRegistry public immutable OPERATOR_REGISTRY;
    IModelRegistry public immutable MODEL_REGISTRY;
    IStakeVault public immutable STAKE_VAULT;
    IPriceOracle public immutable PRICE_ORACLE;
    address public immutable RESERVE;
    uint16 public immutable PROTOCOL_FEE_BPS;
    uint64 public immutable EPOCH_DURATION;
    uint32 private immutable _BETA_BPS;
    uint16 private immutable _UTILISATION_BPS;
    uint16 private immutable _HAIRCUT_BPS;
    uint16 private immutable _PENALTY_BPS;
    uint16 private immutable _CORRELATION_BPS;

    mapping(address payer => mapping(address operator => mapping(bytes32 modelId => Lane))) private _lanes;
    mapping(address operator => Exposure) private _exposures;
    mapping(address operator => EarningsRing.Ring) private _earnings;
    mapping(bytes32 modelId => uint256) private _royalties;
    mapping(address account => uint256) private _credits;
    mapping(uint256 batchId => bytes32) private _batchCommitments;
    /// @dev One slot, because every settlement writes both. Protocol fees are the reserve's, besides its credits.
    uint64 private _batchCount;
    uint128 private _protocolFeesCharged;
    uint128 private _protocolFeesCollected;

    constructor(
        address manager,
        IERC20 feeToken,
        IOperatorRegistry operatorRegistry,
        IModelRegistry modelRegistry,
        IStakeVault stakeVault,
        IPriceOracle priceOracle,
        Configuration memory configuration
    ) AccessManaged(manager) Channels(feeToken, configuration.exitDelay) {
        require(
            address(operatorRegistry) != address(0) && address(modelRegistry) != address(0)
                && address(stakeVault) != address(0) && configuration.reserve != address(0),
            InferenceSettlement_ZeroAddress()
        );
        address distributed = stakeVault.FEE_TOKEN();
        require(distributed == address(feeToken), InferenceSettlement_FeeTokenMismatch(address(feeToken), distributed));
        require(
            configuration.protocolFeeBps <= MAX_PROTOCOL_FEE_BPS,
            InferenceSettlement_ProtocolFeeTooHigh(configuration.protocolFeeBps, MAX_PROTOCOL_FEE_BPS)
        );
        _requireDuration(configuration.epochDuration, MAX_EPOCH_DURATION);
        bool oneToken = stakeVault.STAKE_TOKEN() == address(feeToken);
        require(
            oneToken == (address(priceOracle) == address(0)),
            InferenceSettlement_PriceOracleMismatch(address(priceOracle), oneToken)
        );
        _requireSafe(configuration.coverage);
        OPERATOR_REGISTRY = operatorRegistry;
        MODEL_REGISTRY = modelRegistry;
        STAKE_VAULT = stakeVault;
        PRICE_ORACLE = priceOracle;
        RESERVE = configuration.reserve;
        PROTOCOL_FEE_BPS = configuration.protocolFeeBps;
        EPOCH_DURATION = configuration.epochDuration;
        _BETA_BPS = configuration.coverage.betaBps;
        _UTILISATION_BPS = configuration.coverage.utilisationBps;
        _HAIRCUT_BPS = configuration.coverage.haircutBps;
        _PENALTY_BPS = configuration.coverage.penaltyBps;
        _CORRELATION_BPS = configuration.coverage.correlationBps;
        emit InferenceSettlementConfigured(
            address(feeToken),
            address(operatorRegistry),
            address(modelRegistry),
            address(stakeVault),
            configuration.reserve,
            configuration.protocolFeeBps,
            configuration.exitDelay,
            configuration.epochDuration
        );
        emit CoverageConfigured(address(priceOracle), configuration.coverage);
    }

    /// @inheritdoc IInferenceSettlement
    function settle(
        Voucher[] calldata vouchers,
        bytes[] calldata signatures,
        bytes32 receiptsRoot,
        uint32 receiptCount,
        uint128 declaredRisk,
        string calldata evidenceURI
    ) external whenNotPaused nonReentrant returns (uint256 batchId) {
        require(
            vouchers.length != 0 && vouchers.length <= MAX_VOUCHERS && vouchers.length == signatures.length,
            InferenceSettlement_BatchSize(vouchers.length, signatures.length, MAX_VOUCHERS)
        );
        require(receiptsRoot != bytes32(0) && receiptCount != 0, InferenceSettlement_EmptyReceipts());
        Tab memory tab = _openTab(vouchers[0].operator, declaredRisk);
        for (uint256 i = 0; i < vouchers.length; ++i) {
            Voucher memory voucher = vouchers[i];
            require(
                voucher.operator == tab.operator, InferenceSettlement_MixedOperators(i, voucher.operator, tab.operator)
            );
            _settleVoucher(tab, voucher, signatures[i]);
        }
        batchId = tab.batchId;
        uint128 risk = _closeTab(tab, receiptsRoot, receiptCount, declaredRisk);
        emit BatchSettled(tab.operator, batchId, receiptsRoot, receiptCount, tab.earned, risk, evidenceURI);
    }

    /// @inheritdoc IBatches
    function release(uint256 batchId, Batch calldata batch) external restricted nonReentrant {
        require(isBatch(batchId, batch, false), Batches_WrongBatch(batchId));
        _batchCommitments[batchId] = _commitment(batchId, batch, true);
        Exposure storage exposure = _exposures[batch.operator];
        (uint128 openRisk, uint128 undrawn) = (exposure.openRisk, exposure.undrawn);
        uint128 locked = uint128(Math.min(batch.earned, undrawn));
        (exposure.openRisk, exposure.undrawn) = (openRisk - batch.risk, undrawn - locked);
        EarningsRing.Ring storage ring = _advance(batch.operator);
        if (locked != 0) ring.lock(locked);
        emit BatchReleased(batch.operator, batchId, batch.risk, locked);
    }

    /// @inheritdoc IInferenceSettlement
    function claim(address operator) external nonReentrant returns (uint256 amount) {
        EarningsRing.Ring storage ring = _advance(operator);
        uint256 due = ring.claimable;
        require(due != 0, InferenceSettlement_NothingToClaim(operator));
        ring.claimable = 0;
        (address payout, uint256 paid, uint256 distributed) =
            PoolIncome.split(_FEE_TOKEN, OPERATOR_REGISTRY, STAKE_VAULT, operator, due);
        amount = paid + distributed;
        if (amount != due) ring.claimable = (due - amount).toUint112();
        emit EarningsClaimed(operator, payout, paid, distributed);
        PoolIncome.send(_FEE_TOKEN, STAKE_VAULT, operator, payout, paid, distributed);
    }

    /// @inheritdoc IInferenceSettlement
    function claimRoyalties(bytes32 modelId) external nonReentrant returns (uint256 amount) {
        amount = _royalties[modelId];
        require(amount != 0, InferenceSettlement_NoRoyalties(modelId));
        _royalties[modelId] = 0;
        address publisher = MODEL_REGISTRY.publisherOf(modelId);
        emit RoyaltiesClaimed(publisher, modelId, amount);
        _FEE_TOKEN.safeTransfer(publisher, amount);
    }

    /// @inheritdoc IInferenceSettlement
    function collect(address account) external nonReentrant returns (uint256 amount) {
        amount = credited(account);
        require(amount != 0, InferenceSettlement_NothingToClaim(account));
        _credits[account] = 0;
        if (account == RESERVE) _protocolFeesCollected = _protocolFeesCharged;
        emit CreditCollected(account, amount);
        _FEE_TOKEN.safeTransfer(account, amount);
    }

    /// @inheritdoc IInferenceSettlement
    function seize(Seizure calldata seizure) external restricted nonReentrant returns (uint256 actual) {
        require(seizure.cutBps <= MAX_CUT_BPS, InferenceSettlement_CutTooHigh(seizure.cutBps, MAX_CUT_BPS));
        Seized memory seized;
        (seized.fromClaimable, seized.fromLocked) = _advance(seizure.operator).take(seizure.amount);
        actual = seized.fromClaimable + seized.fromLocked;
        Exposure storage exposure = _exposures[seizure.operator];
        seized.fromUndrawn = Math.min(seizure.amount - actual, exposure.undrawn);
        actual += seized.fromUndrawn;
        if (actual == 0) return 0;
        exposure.undrawn -= seized.fromUndrawn.toUint128();
        _share(seized, actual, seizure);
        emit EarningsSeized(seizure.operator, seizure.beneficiary, seizure.victim, seized);
    }

    /// @inheritdoc IInferenceSettlement
    function lane(address payer, address operator, bytes32 modelId) external view returns (Lane memory) {
        return _lanes[payer][operator][modelId];
    }

    /// @inheritdoc IInferenceSettlement
    function earnings(address operator) external view returns (Earnings memory) {
        (uint256 locked, uint256 claimable) = _earnings[operator].balances(_epoch());
        return Earnings({locked: locked, claimable: claimable, undrawn: _exposures[operator].undrawn});
    }

    /// @inheritdoc IInferenceSettlement
    function royalties(bytes32 modelId) external view returns (uint256) {
        return _royalties[modelId];
    }

    /// @inheritdoc IInferenceSettlement
    function batchCount() external view returns (uint256) {
        return _batchCount;
    }

    /// @inheritdoc IInferenceSettlement
    function batchCommitment(uint256 batchId) external view returns (bytes32) {
        return _batchCommitments[batchId];
    }

    /// @inheritdoc IInferenceSettlement
    function protocolFeesCharged() external view returns (uint256) {
        return _protocolFeesCharged;
    }

    /// @inheritdoc IBatches
    function coverage(address operator) external view returns (Coverage memory) {
        (uint256 locked,) = _earnings[operator].balances(_epoch());
        return _coverage(operator, locked);
    }

    /// @inheritdoc IBatches
    function coverageTerms() public view returns (CoverageTerms memory) {
        return CoverageTerms({
            betaBps: _BETA_BPS,
            utilisationBps: _UTILISATION_BPS,
            haircutBps: _HAIRCUT_BPS,
            penaltyBps: _PENALTY_BPS,
            correlationBps: _CORRELATION_BPS
        });
    }

    /// @inheritdoc IBatches
    function isBatch(uint256 batchId, Batch calldata batch, bool released) public view returns (bool) {
        return _batchCommitments[batchId] == _commitment(batchId, batch, released);
    }

    /// @inheritdoc IInferenceSettlement
    function credited(address account) public view returns (uint256) {
        if (account != RESERVE) return _credits[account];
        return _credits[account] + _protocolFeesCharged - _protocolFeesCollected;
    }

    /// @dev Whose batch it is and how much it may come to, as of before it.
    function _openTab(address operator, uint128 declaredRisk) private returns (Tab memory tab) {
        address settler = OPERATOR_REGISTRY.settlerOf(operator);
        require(msg.sender == operator || msg.sender == settler, InferenceSettlement_NotSettler(msg.sender, operator));
        // What has matured can leave in the next block, and covers nothing.
        uint128 headroom = _coverage(operator, _advance(operator).locked).headroom.toUint128();
        require(declaredRisk <= headroom, InferenceSettlement_Uncovered(declaredRisk, headroom));
        (tab.operator, tab.batchId, tab.headroom) = (operator, _batchCount + 1, headroom);
    }

    /// @dev Books the batch and commits to it.
    function _closeTab(Tab memory tab, bytes32 receiptsRoot, uint32 receiptCount, uint128 declaredRisk)
        private
        returns (uint128 risk)
    {
        risk = uint128(Math.max(tab.paid, declaredRisk));
        (_batchCount, _protocolFeesCharged) = (tab.batchId, _protocolFeesCharged + tab.protocolFees);
        Exposure storage exposure = _exposures[tab.operator];
        (exposure.openRisk, exposure.undrawn) = (exposure.openRisk + risk, exposure.undrawn + tab.earned);
        _batchCommitments[tab.batchId] = _commitment(
            tab.batchId,
            Batch({
                operator: tab.operator,
                settledAt: uint64(block.timestamp),
                settledBlock: uint64(block.number),
                receiptCount: receiptCount,
                receiptsRoot: receiptsRoot,
                earned: tab.earned,
                risk: risk
            }),
            false
        );
    }

    /// @dev Pays one voucher, whole or in part, or says why not.
    function _settleVoucher(Tab memory tab, Voucher memory voucher, bytes calldata signature) private {
        if (!_isSignedByPayer(voucher, signature)) {
            return _skip(tab, voucher, SkipReason.InvalidSigner, voucher.cumulativeFee);
        }
        Lane storage stored = _lanes[voucher.payer][tab.operator][voucher.modelId];
        Lane memory lane_ = stored;
        if (voucher.cumulativeFee <= lane_.fee) return _skip(tab, voucher, SkipReason.Stale, 0);
        uint128 due = voucher.cumulativeFee - lane_.fee;
        if (voucher.cumulativeUnits < lane_.units) return _skip(tab, voucher, SkipReason.UnitsDecreased, due);
        if (!lane_.open) {
            IOperatorRegistry.Offering memory offering = OPERATOR_REGISTRY.offering(tab.operator, voucher.modelId);
            if (offering.version == 0) return _skip(tab, voucher, SkipReason.NotOffered, due);
            lane_.royaltyBps = offering.royaltyBps;
            lane_.open = true;
        }

        Channel storage channel_ = _channels[voucher.payer][tab.operator];
        (uint128 balance, uint128 settled) = (channel_.balance, channel_.settled);
        uint128 fee = uint128(Math.min(due, balance - settled));
        SkipReason limit = SkipReason.Underfunded;
        if (fee > tab.headroom - tab.paid) (fee, limit) = (tab.headroom - tab.paid, SkipReason.Uncovered);
        if (fee == 0) return _skip(tab, voucher, limit, due);
        uint64 units = voucher.cumulativeUnits - lane_.units;
        // Units follow the money, rounded down: the rest is counted when the rest is paid. A part fits where the whole did.
        // forge-lint: disable-next-line(unsafe-typecast)
        if (fee < due) units = uint64((uint256(units) * fee) / due);
        lane_.fee += fee;
        lane_.units += units;
        channel_.settled = settled + fee;
        (stored.fee, stored.units) = (lane_.fee, lane_.units);
        // Its first payment opens the lane.
        if (lane_.fee == fee) (stored.royaltyBps, stored.open) = (lane_.royaltyBps, true);
        _split(tab, voucher, units, fee, lane_);
        if (fee < due) _skip(tab, voucher, limit, due - fee);
    }

    /// @dev Protocol fee and royalty of a lane round down over all it ever paid, so that slicing a fee into many vouchers
    ///      changes nothing; the operator's net is what is left, so the three sum to the fee. One base unit cannot pay
    ///      both: there the protocol comes first.
    function _split(Tab memory tab, Voucher memory voucher, uint64 units, uint128 fee, Lane memory lane_) private {
        (uint256 paid, uint256 before) = (lane_.fee, lane_.fee - fee);
        (uint128 protocolFee, uint128 royalty) = (0, 0);
        // A word holds 128 bits of fee times 16 bits of basis points, and shares of a fee fit where the fee did.
        // forge-lint: disable-start(unsafe-typecast)
        unchecked {
            protocolFee = uint128(paid * PROTOCOL_FEE_BPS / BPS - before * PROTOCOL_FEE_BPS / BPS);
            royalty = uint128(paid * lane_.royaltyBps / BPS - before * lane_.royaltyBps / BPS);
        }
        // forge-lint: disable-end(unsafe-typecast)
        if (protocolFee + royalty > fee) royalty = fee - protocolFee;
        if (royalty != 0) _royalties[voucher.modelId] += royalty;
        tab.paid += fee;
        tab.protocolFees += protocolFee;
        tab.earned += fee - protocolFee - royalty;
        emit FeesSettled(tab.operator, voucher.payer, voucher.modelId, tab.batchId, units, fee, protocolFee, royalty);
    }

    function _skip(Tab memory tab, Voucher memory voucher, SkipReason reason, uint128 unpaid) private {
        emit VoucherSkipped(tab.operator, voucher.payer, voucher.modelId, tab.batchId, reason, unpaid);
    }

    /// @dev Moves matured earnings to claimable and says so.
    function _advance(address operator) private returns (EarningsRing.Ring storage ring) {
        ring = _earnings[operator];
        uint256 matured = ring.advance(_epoch());
        if (matured != 0) emit EarningsReleased(operator, matured);
    }

    /// @dev The victim first, then who proved the fault; of the rest half is burned, so that nobody gets its own back by
    ///      accusing itself, and half is the reserve's.
    function _share(Seized memory seized, uint256 actual, Seizure calldata seizure) private {
        seized.refund = seizure.victim == address(0) ? 0 : Math.min(seizure.refund, actual);
        uint256 left = actual - seized.refund;
        seized.cut = seizure.beneficiary == address(0) ? 0 : Math.min(Math.mulDiv(actual, seizure.cutBps, BPS), left);
        left -= seized.cut;
        seized.reserved = left / 2;
        seized.burned = left - seized.reserved;
        _credits[seizure.victim] += seized.refund;
        _credits[seizure.beneficiary] += seized.cut;
        _credits[RESERVE] += seized.reserved;
        _credits[BURN] += seized.burned;
    }

    function _coverage(address operator, uint256 locked) private view returns (Coverage memory) {
        Exposure memory exposure = _exposures[operator];
        (uint256 price, bool fresh) =
            address(PRICE_ORACLE) == address(0) ? (CoverageMath.PRICE_SCALE, true) : PRICE_ORACLE.collateralPrice();
        CoverageTerms memory terms = coverageTerms();
        uint256 collateral =
            CoverageMath.collateral(locked + exposure.undrawn, STAKE_VAULT.collateral(operator), price, terms);
        return Coverage({
            collateral: collateral,
            openRisk: exposure.openRisk,
            headroom: fresh ? CoverageMath.headroom(collateral, exposure.openRisk, terms) : 0
        });
    }

    function _epoch() private view returns (uint64) {
        return uint64(block.timestamp) / EPOCH_DURATION;
    }

    /// @dev A batch that was released has another commitment, and so is released once.
    function _commitment(uint256 batchId, Batch memory batch, bool released) private pure returns (bytes32) {
        return keccak256(abi.encode(batchId, batch, released));
    }

    function _requireSafe(CoverageTerms memory terms) private pure {
        require(
            terms.haircutBps <= BPS && terms.penaltyBps <= BPS && terms.correlationBps <= BPS
                && CoverageMath.deters(terms),
            InferenceSettlement_UnsafeCoverage(terms)
        );
    }
}

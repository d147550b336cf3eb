// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IAuditManager} from "./interfaces/IAuditManager.sol";
import {IBatches} from "./interfaces/IBatches.sol";
import {ICaseDocket} from "./interfaces/ICaseDocket.sol";
import {IFaults} from "./interfaces/IFaults.sol";
import {IRandomness} from "./interfaces/IRandomness.sol";
import {IReceipts} from "./interfaces/IReceipts.sol";
import {IStressGauge} from "./interfaces/IStressGauge.sol";
import {IUptimeLedger} from "./interfaces/IUptimeLedger.sol";
import {AuditMath} from "./libraries/AuditMath.sol";
import {LeafPath} from "./libraries/LeafPath.sol";
import {ReceiptHash} from "./libraries/ReceiptHash.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title AuditManager
/// @notice Behaviour, units and errors are documented on `IAuditManager`.
contract AuditManager is IAuditManager, ReentrancyGuardTransient {
    uint256 private constant BPS = 10_000;
    uint256 private constant OUTAGE_BPS = 3333;

    ICaseDocket public immutable CASE_DOCKET;
    IRandomness public immutable RANDOMNESS;
    IBatches private immutable _BATCHES;
    IUptimeLedger private immutable _UPTIME_LEDGER;
    IFaults private immutable _FAULTS;
    IStressGauge private immutable _STRESS_GAUGE;
    uint256 private immutable _MAX_EXTENSIONS;
    uint64 private immutable _PERIOD_SECONDS;

    mapping(uint256 caseId => Audit) private _audits;
    mapping(uint256 batchId => uint256) private _auditOf;
    mapping(uint256 caseId => mapping(uint64 period => bool)) private _extended;

    /// @dev Everything else is what the docket works with.
    constructor(ICaseDocket caseDocket, IRandomness randomness) {
        require(address(caseDocket) != address(0) && address(randomness) != address(0), AuditManager_ZeroAddress());
        ICaseDocket.System memory system = caseDocket.system();
        CASE_DOCKET = caseDocket;
        RANDOMNESS = randomness;
        _BATCHES = IBatches(address(system.settlement));
        _UPTIME_LEDGER = system.uptimeLedger;
        _FAULTS = system.faults;
        _STRESS_GAUGE = system.stressGauge;
        _MAX_EXTENSIONS = caseDocket.MAX_EXTENSIONS();
        _PERIOD_SECONDS = system.uptimeLedger.periodStart(1) - system.uptimeLedger.periodStart(0);
        emit AuditManagerConfigured(address(caseDocket), address(randomness));
    }

    /// @inheritdoc IAuditManager
    function draw(uint256 batchId, IBatches.Batch calldata batch) external nonReentrant returns (uint256 caseId) {
        require(_auditOf[batchId] == 0, AuditManager_AlreadyDrawn(batchId, _auditOf[batchId]));
        _requireOpen(batchId, batch);
        uint64 round = RANDOMNESS.roundFor(batch.settledAt, batch.settledBlock);
        (IRandomness.Status status, bytes32 seed) = RANDOMNESS.seed(round);
        require(status != IRandomness.Status.Pending, AuditManager_SeedPending(round));
        uint256 probability = _weigh(batch);
        bool isReady = status == IRandomness.Status.Ready;
        if (!isReady) probability = AuditMath.WAD;
        if (isReady && !AuditMath.isDrawn(seed, batchId, probability)) {
            emit BatchDrawn(batch.operator, batchId, 0, round, seed, probability);
            _BATCHES.release(batchId, batch);
            return 0;
        }
        ICaseDocket.Case memory case_;
        (caseId, case_) = CASE_DOCKET.open(batch.operator, address(0));
        _auditOf[batchId] = caseId;
        emit BatchDrawn(batch.operator, batchId, caseId, round, seed, probability);
        _openAudit(caseId, batchId, case_, isReady, seed);
    }

    /// @inheritdoc IAuditManager
    function seedAudit(uint256 caseId) external {
        ICaseDocket.Case memory case_ = _inStage(caseId, ICaseDocket.Stage.Seeding);
        uint64 round = _audits[caseId].round;
        (IRandomness.Status status, bytes32 seed) = RANDOMNESS.seed(round);
        require(status != IRandomness.Status.Pending, AuditManager_SeedPending(round));
        if (status == IRandomness.Status.Ready) return _requestLeaf(caseId, case_, seed);
        round = _freshRound();
        _audits[caseId].round = round;
        emit AuditReseeded(case_.operator, caseId, round);
    }

    /// @inheritdoc IAuditManager
    function answer(
        uint256 caseId,
        IBatches.Batch calldata batch,
        IReceipts.Receipt calldata receipt,
        bytes calldata signature,
        bytes32[] calldata proof
    ) external nonReentrant {
        ICaseDocket.Case memory case_ = _inStage(caseId, ICaseDocket.Stage.Answering);
        require(block.timestamp < case_.deadline, ICaseDocket.CaseDocket_DeadlinePassed(caseId, case_.deadline));
        _requireOpen(_audits[caseId].batchId, batch);
        require(
            isLeafAt(batch.receiptsRoot, batch.receiptCount, _audits[caseId].path, receipt, proof),
            AuditManager_WrongLeaf(caseId)
        );
        emit LeafAnswered(case_.operator, caseId, msg.sender);
        CASE_DOCKET.judge(caseId, receipt, signature);
    }

    /// @inheritdoc IAuditManager
    function extend(uint256 caseId, uint64 period) external {
        ICaseDocket.Case memory case_ = _inStage(caseId, ICaseDocket.Stage.Answering);
        ICaseDocket.Parameters memory kept = CASE_DOCKET.parametersOf(case_.parametersVersion);
        Audit storage audit_ = _audits[caseId];
        uint64 deadline = case_.deadline;
        uint64 until = deadline + kept.grace;
        require(block.timestamp < until, ICaseDocket.CaseDocket_DeadlinePassed(caseId, until));
        require(audit_.extensions < _MAX_EXTENSIONS, AuditManager_TooManyExtensions(caseId, _MAX_EXTENSIONS));
        require(!_extended[caseId][period], AuditManager_AlreadyExtended(caseId, period));
        uint32 missedBps = _FAULTS.missedBps(period);
        require(missedBps > OUTAGE_BPS, AuditManager_NoOutage(period, missedBps));
        uint64 opensAt = deadline - kept.answerWindow - audit_.extensions * _PERIOD_SECONDS;
        require(
            _UPTIME_LEDGER.periodStart(period) < deadline && _UPTIME_LEDGER.periodStart(period + 1) > opensAt,
            AuditManager_PeriodOutsideWindow(period, opensAt, deadline)
        );
        _extended[caseId][period] = true;
        ++audit_.extensions;
        deadline += _PERIOD_SECONDS;
        emit DeadlineExtended(case_.operator, caseId, period, deadline);
        CASE_DOCKET.awaitAnswer(caseId, deadline);
    }

    /// @inheritdoc IAuditManager
    function withhold(uint256 caseId, IBatches.Batch calldata batch) external nonReentrant {
        ICaseDocket.Case memory case_ = _inStage(caseId, ICaseDocket.Stage.Answering);
        uint64 from = case_.deadline + CASE_DOCKET.parametersOf(case_.parametersVersion).grace;
        require(block.timestamp >= from, ICaseDocket.CaseDocket_TooEarly(caseId, from));
        uint256 batchId = _audits[caseId].batchId;
        CASE_DOCKET.withhold(caseId, batchId, msg.sender);
        _BATCHES.release(batchId, batch);
    }

    /// @inheritdoc IAuditManager
    function executeAudit(uint256 caseId, IBatches.Batch calldata batch) external nonReentrant {
        ICaseDocket.Case memory case_ = _inStage(caseId, ICaseDocket.Stage.Decided);
        require(case_.challenger == address(0), AuditManager_NotAudit(caseId));
        // What a fault costs is taken while the batch's earnings are still in escrow.
        CASE_DOCKET.close(caseId, address(0));
        _BATCHES.release(_audits[caseId].batchId, batch);
    }

    /// @inheritdoc IAuditManager
    function audit(uint256 caseId) external view returns (Audit memory) {
        return _audits[caseId];
    }

    /// @inheritdoc IAuditManager
    function auditOf(uint256 batchId) external view returns (uint256 caseId) {
        return _auditOf[batchId];
    }

    /// @inheritdoc IAuditManager
    function isLeafAt(
        bytes32 root,
        uint32 receiptCount,
        bytes32 path,
        IReceipts.Receipt calldata receipt,
        bytes32[] calldata proof
    ) public pure returns (bool) {
        return LeafPath.endsAt(root, receiptCount, path, ReceiptHash.leaf(receipt), proof);
    }

    function _openAudit(uint256 caseId, uint256 batchId, ICaseDocket.Case memory case_, bool isReady, bytes32 seed)
        private
    {
        uint64 round = isReady ? 0 : _freshRound();
        (_audits[caseId].batchId, _audits[caseId].round) = (batchId, round);
        emit AuditOpened(case_.operator, caseId, batchId, round, case_.principalCap, case_.parametersVersion);
        if (isReady) _requestLeaf(caseId, case_, seed);
    }

    function _requestLeaf(uint256 caseId, ICaseDocket.Case memory case_, bytes32 seed) private {
        bytes32 path = AuditMath.leafPath(seed, _audits[caseId].batchId);
        (_audits[caseId].round, _audits[caseId].path) = (0, path);
        uint64 deadline = uint64(block.timestamp) + CASE_DOCKET.parametersOf(case_.parametersVersion).answerWindow;
        emit LeafRequested(case_.operator, caseId, path, deadline);
        CASE_DOCKET.awaitAnswer(caseId, deadline);
    }

    /// @dev The odds of a batch by what covers its operator now, and a word of it to who measures stress.
    function _weigh(IBatches.Batch calldata batch) private returns (uint256 probability) {
        IBatches.Coverage memory coverage = _BATCHES.coverage(batch.operator);
        IBatches.CoverageTerms memory terms = _BATCHES.coverageTerms();
        (ICaseDocket.Parameters memory current,) = CASE_DOCKET.parameters();
        probability = AuditMath.probability(
            AuditMath.Odds({
                multiplierBps: _STRESS_GAUGE.multiplierBps(),
                floor: current.minProbability,
                gainBps: terms.betaBps,
                penaltyBps: terms.penaltyBps,
                risk: batch.risk,
                collateral: coverage.collateral
            })
        );
        if (RANDOMNESS.biasable()) probability = AuditMath.biased(probability);
        uint256 admitted = Math.mulDiv(coverage.collateral, terms.utilisationBps, BPS);
        uint256 utilisationBps = admitted == 0 ? 2 * BPS : Math.saturatingMul(coverage.openRisk, BPS) / admitted;
        _STRESS_GAUGE.recordBatch(batch.risk, utilisationBps);
    }

    function _requireOpen(uint256 batchId, IBatches.Batch calldata batch) private view {
        require(_BATCHES.isBatch(batchId, batch, false), AuditManager_WrongBatch(batchId));
    }

    function _inStage(uint256 caseId, ICaseDocket.Stage stage) private view returns (ICaseDocket.Case memory) {
        return CASE_DOCKET.caseIn(caseId, stage);
    }

    function _freshRound() private view returns (uint64) {
        return RANDOMNESS.roundFor(uint64(block.timestamp), uint64(block.number));
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {Challenges} from "./audits/Challenges.sol";
import {Docket} from "./audits/Docket.sol";
import {IAuditManager} from "./interfaces/IAuditManager.sol";
import {IBatches} from "./interfaces/IBatches.sol";
import {IFaults} from "./interfaces/IFaults.sol";
import {IRandomness} from "./interfaces/IRandomness.sol";
import {IReceipts} from "./interfaces/IReceipts.sol";
import {AuditMath} from "./libraries/AuditMath.sol";
import {LeafPath} from "./libraries/LeafPath.sol";
import {ReceiptHash} from "./libraries/ReceiptHash.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title AuditManager
/// @notice Behaviour, units and errors are documented on `IAuditManager`. Here are the random audits.
contract AuditManager is Challenges {
    uint256 private constant BPS = 10_000;
    uint256 private constant OUTAGE_BPS = 3333;

    mapping(uint256 batchId => uint256) private _audits;
    mapping(uint256 caseId => mapping(uint64 period => bool)) private _extended;

    constructor(address manager, System memory system, Parameters memory parameters_)
        Docket(manager, system, parameters_)
    {}

    /// @inheritdoc IAuditManager
    function draw(uint256 batchId, IBatches.Batch calldata batch) external nonReentrant returns (uint256 caseId) {
        require(_audits[batchId] == 0, AuditManager_AlreadyDrawn(batchId, _audits[batchId]));
        _requireOpen(batchId, batch);
        uint64 round = RANDOMNESS.roundFor(batch.settledAt, batch.settledBlock);
        (IRandomness.Status status, bytes32 seed) = RANDOMNESS.seed(round);
        require(status != IRandomness.Status.Pending, AuditManager_SeedPending(round));
        uint256 probability = _weigh(batch);
        bool isReady = status == IRandomness.Status.Ready;
        if (!isReady) probability = AuditMath.WAD;
        if (isReady && !AuditMath.isDrawn(seed, batchId, probability)) {
            emit BatchDrawn(batch.operator, batchId, 0, round, seed, probability);
            _batches().release(batchId, batch);
            return 0;
        }
        caseId = _openAudit(batchId, batch.operator, round, seed, probability);
    }

    /// @inheritdoc IAuditManager
    function seedAudit(uint256 caseId) external {
        Case storage case_ = _inStage(caseId, Stage.Seeding);
        (IRandomness.Status status, bytes32 seed) = RANDOMNESS.seed(case_.round);
        require(status != IRandomness.Status.Pending, AuditManager_SeedPending(case_.round));
        if (status == IRandomness.Status.Ready) return _requestLeaf(caseId, case_, seed);
        case_.round = _freshRound();
        emit AuditReseeded(case_.operator, caseId, case_.round);
    }

    /// @inheritdoc IAuditManager
    function answer(
        uint256 caseId,
        IBatches.Batch calldata batch,
        IReceipts.Receipt calldata receipt,
        bytes calldata signature,
        bytes32[] calldata proof
    ) external nonReentrant {
        Case storage case_ = _inStage(caseId, Stage.Answering);
        require(block.timestamp < case_.deadline, AuditManager_DeadlinePassed(caseId, case_.deadline));
        _requireOpen(case_.batchId, batch);
        require(
            isLeafAt(batch.receiptsRoot, batch.receiptCount, case_.path, receipt, proof), AuditManager_WrongLeaf(caseId)
        );
        (, address signer, bytes32 receiptHash) = _authenticate(receipt, signature, case_.operator);
        emit LeafAnswered(case_.operator, caseId, msg.sender);
        _judge(caseId, case_, receipt, signer, receiptHash);
        // Nobody must challenge what is being judged already; a challenge that came first goes on beside the audit.
        if (_docket[case_.offence] == 0) _docket[case_.offence] = caseId;
    }

    /// @inheritdoc IAuditManager
    function extend(uint256 caseId, uint64 period) external {
        Case storage case_ = _inStage(caseId, Stage.Answering);
        Parameters memory kept = _parametersOf(case_);
        uint64 deadline = case_.deadline;
        require(block.timestamp < deadline + kept.grace, AuditManager_DeadlinePassed(caseId, deadline + kept.grace));
        require(case_.extensions < MAX_EXTENSIONS, AuditManager_TooManyExtensions(caseId, MAX_EXTENSIONS));
        require(!_extended[caseId][period], AuditManager_AlreadyExtended(caseId, period));
        uint32 missedBps = FAULTS.missedBps(period);
        require(missedBps > OUTAGE_BPS, AuditManager_NoOutage(period, missedBps));
        uint64 opensAt = deadline - kept.answerWindow - case_.extensions * _PERIOD_SECONDS;
        require(
            UPTIME_LEDGER.periodStart(period) < deadline && UPTIME_LEDGER.periodStart(period + 1) > opensAt,
            AuditManager_PeriodOutsideWindow(period, opensAt, deadline)
        );
        _extended[caseId][period] = true;
        ++case_.extensions;
        case_.deadline = deadline + _PERIOD_SECONDS;
        emit DeadlineExtended(case_.operator, caseId, period, case_.deadline);
    }

    /// @inheritdoc IAuditManager
    function withhold(uint256 caseId, IBatches.Batch calldata batch) external nonReentrant {
        Case storage case_ = _inStage(caseId, Stage.Answering);
        uint64 from = case_.deadline + _parametersOf(case_).grace;
        require(block.timestamp >= from, AuditManager_TooEarly(caseId, from));
        case_.offence = _offence(IFaults.Fault.Withheld, case_.operator, bytes32(case_.batchId));
        _decide(caseId, case_, Verdict.Withheld);
        _close(caseId, case_, IFaults.Fault.Withheld, msg.sender);
        _batches().release(case_.batchId, batch);
    }

    /// @inheritdoc IAuditManager
    function executeAudit(uint256 caseId, IBatches.Batch calldata batch) external nonReentrant {
        Case storage case_ = _inStage(caseId, Stage.Decided);
        require(case_.challenger == address(0), AuditManager_NotAudit(caseId));
        // What a fault costs is taken while the batch's earnings are still in escrow.
        _close(caseId, case_, IFaults.Fault.WrongOutput, address(0));
        _batches().release(case_.batchId, batch);
    }

    /// @inheritdoc IAuditManager
    function auditOf(uint256 batchId) external view returns (uint256 caseId) {
        return _audits[batchId];
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

    function _openAudit(uint256 batchId, address operator, uint64 round, bytes32 seed, uint256 probability)
        private
        returns (uint256 caseId)
    {
        Case storage case_;
        (caseId, case_) = _open(operator);
        case_.batchId = batchId;
        _audits[batchId] = caseId;
        _keepTerms(caseId, IFaults.Fault.Withheld);
        _keepTerms(caseId, IFaults.Fault.WrongOutput);
        _keepTerms(caseId, IFaults.Fault.Unrevealed);
        emit BatchDrawn(operator, batchId, caseId, round, seed, probability);
        bool isLost = seed == bytes32(0);
        if (isLost) {
            case_.stage = Stage.Seeding;
            case_.round = _freshRound();
        }
        emit AuditOpened(operator, caseId, batchId, case_.round, case_.principalCap, case_.parametersVersion);
        if (!isLost) _requestLeaf(caseId, case_, seed);
    }

    function _requestLeaf(uint256 caseId, Case storage case_, bytes32 seed) private {
        case_.stage = Stage.Answering;
        case_.round = 0;
        case_.path = AuditMath.leafPath(seed, case_.batchId);
        case_.deadline = uint64(block.timestamp) + _parametersOf(case_).answerWindow;
        emit LeafRequested(case_.operator, caseId, case_.path, case_.deadline);
    }

    /// @dev The odds of a batch by what covers its operator now, and a word of it to who measures stress.
    function _weigh(IBatches.Batch calldata batch) private returns (uint256 probability) {
        IBatches.Coverage memory coverage = _batches().coverage(batch.operator);
        IBatches.CoverageTerms memory terms = _batches().coverageTerms();
        probability = AuditMath.probability(
            AuditMath.Odds({
                multiplierBps: STRESS_GAUGE.multiplierBps(),
                floor: _minProbability(),
                gainBps: terms.betaBps,
                penaltyBps: terms.penaltyBps,
                risk: batch.risk,
                collateral: coverage.collateral
            })
        );
        if (RANDOMNESS.biasable()) probability = AuditMath.biased(probability);
        uint256 admitted = Math.mulDiv(coverage.collateral, terms.utilisationBps, BPS);
        uint256 utilisationBps = admitted == 0 ? 2 * BPS : Math.saturatingMul(coverage.openRisk, BPS) / admitted;
        STRESS_GAUGE.recordBatch(batch.risk, utilisationBps);
    }

    function _requireOpen(uint256 batchId, IBatches.Batch calldata batch) private view {
        require(_batches().isBatch(batchId, batch, false), AuditManager_WrongBatch(batchId));
    }

    function _freshRound() private view returns (uint64) {
        return RANDOMNESS.roundFor(uint64(block.timestamp), uint64(block.number));
    }

    function _batches() private view returns (IBatches) {
        return IBatches(address(INFERENCE_SETTLEMENT));
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IAuditManager} from "../interfaces/IAuditManager.sol";
import {IFaults} from "../interfaces/IFaults.sol";
import {IInferenceSettlement} from "../interfaces/IInferenceSettlement.sol";
import {IJudgeCommittee} from "../interfaces/IJudgeCommittee.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IOperatorRegistry} from "../interfaces/IOperatorRegistry.sol";
import {IRandomness} from "../interfaces/IRandomness.sol";
import {IReceiptVerifier} from "../interfaces/IReceiptVerifier.sol";
import {IReceipts} from "../interfaces/IReceipts.sol";
import {IStakeVault} from "../interfaces/IStakeVault.sol";
import {IStressGauge} from "../interfaces/IStressGauge.sol";
import {IUptimeLedger} from "../interfaces/IUptimeLedger.sol";
import {IVerifierRegistry} from "../interfaces/IVerifierRegistry.sol";
import {AuditMath} from "../libraries/AuditMath.sol";
import {ReceiptHash} from "../libraries/ReceiptHash.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Docket
/// @notice What audits and challenges share: parameters, cases, the judgement of a receipt and its punishment.
abstract contract Docket is IAuditManager, AccessManaged {
    /// @param settlement Settlement, which also keeps the batches.
    struct System {
        address settlement;
        IOperatorRegistry operatorRegistry;
        IModelRegistry modelRegistry;
        IStakeVault stakeVault;
        IUptimeLedger uptimeLedger;
        IFaults faults;
        IRandomness randomness;
        IVerifierRegistry verifierRegistry;
        IJudgeCommittee judgeCommittee;
        IStressGauge stressGauge;
    }

    uint256 public constant MAX_EXTENSIONS = 8;
    uint256 internal constant BOND_PARTS = 6;
    uint256 private constant MAX_CHALLENGES = 1024;
    uint256 private constant MAX_WINDOW = 30 days;

    IInferenceSettlement public immutable INFERENCE_SETTLEMENT;
    IOperatorRegistry public immutable OPERATOR_REGISTRY;
    IModelRegistry public immutable MODEL_REGISTRY;
    IStakeVault public immutable STAKE_VAULT;
    IUptimeLedger public immutable UPTIME_LEDGER;
    IFaults public immutable FAULTS;
    IRandomness public immutable RANDOMNESS;
    IVerifierRegistry public immutable VERIFIER_REGISTRY;
    IJudgeCommittee public immutable JUDGE_COMMITTEE;
    IStressGauge public immutable STRESS_GAUGE;
    IERC20 internal immutable _FEE_TOKEN;
    uint64 internal immutable _PERIOD_SECONDS;

    mapping(uint32 version => Parameters) private _parameters;
    uint32 private _parametersVersion;
    uint256 private _caseCount;
    mapping(uint256 caseId => Case) internal _cases;
    /// @dev As of the opening of the case.
    mapping(uint256 caseId => mapping(IFaults.Fault => IFaults.Terms)) private _terms;
    mapping(bytes32 offence => uint256) internal _docket;
    /// @dev What payers got back of the fees that they paid in a lane: refunds never exceed those.
    mapping(address payer => mapping(address operator => mapping(bytes32 modelId => uint256))) private _refunded;

    constructor(address manager, System memory system, Parameters memory parameters_) AccessManaged(manager) {
        require(
            system.settlement != address(0) && address(system.operatorRegistry) != address(0)
                && address(system.modelRegistry) != address(0) && address(system.stakeVault) != address(0)
                && address(system.uptimeLedger) != address(0) && address(system.faults) != address(0)
                && address(system.randomness) != address(0) && address(system.verifierRegistry) != address(0)
                && address(system.judgeCommittee) != address(0) && address(system.stressGauge) != address(0),
            AuditManager_ZeroAddress()
        );
        INFERENCE_SETTLEMENT = IInferenceSettlement(system.settlement);
        OPERATOR_REGISTRY = system.operatorRegistry;
        MODEL_REGISTRY = system.modelRegistry;
        STAKE_VAULT = system.stakeVault;
        UPTIME_LEDGER = system.uptimeLedger;
        FAULTS = system.faults;
        RANDOMNESS = system.randomness;
        VERIFIER_REGISTRY = system.verifierRegistry;
        JUDGE_COMMITTEE = system.judgeCommittee;
        STRESS_GAUGE = system.stressGauge;
        _FEE_TOKEN = IERC20(IInferenceSettlement(system.settlement).FEE_TOKEN());
        _PERIOD_SECONDS = system.uptimeLedger.periodStart(1) - system.uptimeLedger.periodStart(0);
        emit AuditManagerConfigured(
            system.settlement,
            address(system.operatorRegistry),
            address(system.modelRegistry),
            address(system.stakeVault),
            address(system.uptimeLedger),
            address(system.faults),
            address(system.randomness),
            address(system.verifierRegistry),
            address(system.judgeCommittee),
            address(system.stressGauge)
        );
        _changeParameters(parameters_);
    }

    /// @inheritdoc IAuditManager
    function changeParameters(Parameters calldata parameters_) external restricted {
        _changeParameters(parameters_);
    }

    /// @inheritdoc IAuditManager
    function prove(uint256 caseId, IReceipts.Receipt calldata receipt, bytes calldata evidence) external {
        Case storage case_ = _inStage(caseId, Stage.Proving);
        require(block.timestamp < case_.deadline, AuditManager_DeadlinePassed(caseId, case_.deadline));
        bytes32 receiptHash = ReceiptHash.structHash(receipt);
        require(receiptHash == case_.receiptHash, AuditManager_WrongReceipt(caseId, receiptHash));
        bytes32 weightsDigest = MODEL_REGISTRY.version(receipt.modelId, receipt.version).weightsDigest;
        address verifier = case_.verifier;
        require(
            IReceiptVerifier(verifier).verify(receipt, case_.signer, weightsDigest, evidence),
            AuditManager_NotConvinced(caseId, verifier)
        );
        _decide(caseId, case_, Verdict.Passed);
    }

    /// @inheritdoc IAuditManager
    function conclude(uint256 caseId) external {
        Case storage case_ = _cases[caseId];
        if (case_.stage == Stage.Proving) {
            require(block.timestamp >= case_.deadline, AuditManager_TooEarly(caseId, case_.deadline));
            return _decide(caseId, case_, Verdict.Failed);
        }
        _inStage(caseId, Stage.Judging);
        Verdict verdict = JUDGE_COMMITTEE.verdictOf(caseId);
        require(verdict != Verdict.None, AuditManager_NotDecided(caseId));
        _decide(caseId, case_, verdict);
    }

    /// @inheritdoc IAuditManager
    function parameters() external view returns (Parameters memory current, uint32 version) {
        version = _parametersVersion;
        current = _parameters[version];
    }

    /// @inheritdoc IAuditManager
    function caseOf(uint256 caseId) external view returns (Case memory) {
        return _cases[caseId];
    }

    /// @inheritdoc IAuditManager
    function caseCount() external view returns (uint256) {
        return _caseCount;
    }

    /// @inheritdoc IAuditManager
    function docketOf(bytes32 offence) external view returns (uint256 caseId) {
        return _docket[offence];
    }

    /// @inheritdoc IAuditManager
    function parametersOf(uint32 version) external view returns (Parameters memory) {
        return _parameters[version];
    }

    /// @inheritdoc IAuditManager
    function receiptDigest(IReceipts.Receipt calldata receipt) external view returns (bytes32) {
        return ReceiptHash.digest(ReceiptHash.structHash(receipt), address(INFERENCE_SETTLEMENT));
    }

    /// @inheritdoc IAuditManager
    function offenceOf(address operator, bytes32 receiptHash) public pure returns (bytes32) {
        return _offence(IFaults.Fault.WrongOutput, operator, receiptHash);
    }

    /// @dev Opens a case under the parameters and terms in force.
    function _open(address operator) internal returns (uint256 caseId, Case storage case_) {
        caseId = ++_caseCount;
        case_ = _cases[caseId];
        case_.operator = operator;
        case_.openedAt = uint64(block.timestamp);
        case_.parametersVersion = _parametersVersion;
        case_.principalCap = STAKE_VAULT.slashable(operator);
        STRESS_GAUGE.recordOpened();
    }

    function _keepTerms(uint256 caseId, IFaults.Fault fault) internal {
        _terms[caseId][fault] = FAULTS.terms(fault);
    }

    /// @dev Reverts unless a key that was the operator's when it was served signed the receipt. With no operator given, it is
    ///      the key's.
    function _authenticate(IReceipts.Receipt calldata receipt, bytes calldata signature, address operator)
        internal
        view
        returns (address, address signer, bytes32 receiptHash)
    {
        receiptHash = ReceiptHash.structHash(receipt);
        (signer,,) = ECDSA.tryRecoverCalldata(ReceiptHash.digest(receiptHash, address(INFERENCE_SETTLEMENT)), signature);
        IOperatorRegistry.KeyBinding memory binding = OPERATOR_REGISTRY.keyBinding(signer);
        if (operator == address(0)) operator = binding.operator;
        require(
            signer != address(0) && binding.operator != address(0) && binding.operator == operator
                && binding.from <= receipt.servedAt && (binding.until == 0 || receipt.servedAt <= binding.until),
            AuditManager_InvalidReceipt(signer, operator)
        );
        return (operator, signer, receiptHash);
    }

    /// @dev Gives a receipt to who judges it, by the mode of its version.
    function _judge(
        uint256 caseId,
        Case storage case_,
        IReceipts.Receipt calldata receipt,
        address signer,
        bytes32 receiptHash
    ) internal {
        case_.payer = receipt.payer;
        case_.signer = signer;
        case_.fee = receipt.fee;
        case_.modelId = receipt.modelId;
        case_.receiptHash = receiptHash;
        case_.offence = offenceOf(case_.operator, receiptHash);
        // Reverts when there is no such version: what cannot be judged is no receipt.
        IModelRegistry.Mode mode = MODEL_REGISTRY.version(receipt.modelId, receipt.version).mode;
        address verifier = _verifierFor(receipt, mode);
        if (verifier == address(0)) {
            _askCommittee(caseId, case_, receipt, mode);
        } else {
            case_.stage = Stage.Proving;
            case_.verifier = verifier;
            case_.deadline = uint64(block.timestamp) + _parametersOf(case_).proofWindow;
        }
        emit JudgementBegun(
            case_.operator, caseId, case_.offence, case_.stage, verifier, case_.deadline, signer, receipt
        );
    }

    /// @dev Audits have no canaries, so their verdicts need not wait for one.
    function _decide(uint256 caseId, Case storage case_, Verdict verdict) internal {
        uint64 executableAt = uint64(block.timestamp);
        if (case_.challenger != address(0)) executableAt += _parametersOf(case_).canaryWindow;
        case_.stage = Stage.Decided;
        case_.verdict = verdict;
        case_.deadline = executableAt;
        emit CaseDecided(case_.operator, caseId, verdict, executableAt);
    }

    /// @dev Ends a case, and punishes its operator when it lost and the deed was not punished before: an audit and a
    ///      challenge of one receipt can meet.
    function _close(uint256 caseId, Case storage case_, IFaults.Fault fault, address beneficiary) internal {
        Verdict verdict = case_.verdict;
        bool lost = verdict == Verdict.Failed || verdict == Verdict.Withheld;
        bool punished = lost && !FAULTS.isPunished(case_.offence);
        case_.stage = Stage.Closed;
        emit CaseClosed(case_.operator, caseId, verdict, punished);
        STRESS_GAUGE.recordClosed(lost);
        if (!punished) return;
        FAULTS.punish(
            IFaults.Punishment({
                fault: fault,
                operator: case_.operator,
                offence: case_.offence,
                terms: _terms[caseId][fault],
                principalCap: case_.principalCap,
                beneficiary: beneficiary,
                victim: case_.payer,
                refund: _refund(case_.payer, case_.operator, case_.modelId, case_.fee)
            })
        );
    }

    /// @dev Punishes a judge of a case.
    function _punishJudge(uint256 caseId, IFaults.Fault fault, IJudgeCommittee.Seat memory seat) internal {
        bytes32 offence = _offence(fault, seat.member, bytes32(caseId));
        require(!FAULTS.isPunished(offence), AuditManager_AlreadyPunished(offence));
        emit JudgePunished(seat.member, caseId, offence);
        FAULTS.punish(
            IFaults.Punishment({
                fault: fault,
                operator: seat.member,
                offence: offence,
                terms: _terms[caseId][fault],
                principalCap: seat.cap,
                beneficiary: address(0),
                victim: address(0),
                refund: 0
            })
        );
    }

    /// @dev What a payer gets back at most: the fee on its receipt, which the operator could have made up, but never more
    ///      than is left of what it paid in the lane.
    function _refund(address payer, address operator, bytes32 modelId, uint256 fee) internal returns (uint256 refund) {
        if (payer == address(0)) return 0;
        uint256 paid = INFERENCE_SETTLEMENT.lane(payer, operator, modelId).fee;
        uint256 before = _refunded[payer][operator][modelId];
        refund = Math.min(fee, Math.saturatingSub(paid, before));
        _refunded[payer][operator][modelId] = before + refund;
    }

    /// @dev Those that the case keeps.
    function _parametersOf(Case storage case_) internal view returns (Parameters storage) {
        return _parameters[case_.parametersVersion];
    }

    function _minProbability() internal view returns (uint256) {
        return _parameters[_parametersVersion].minProbability;
    }

    function _inStage(uint256 caseId, Stage stage) internal view returns (Case storage case_) {
        case_ = _cases[caseId];
        require(case_.stage == stage, AuditManager_WrongStage(caseId, case_.stage));
    }

    /// @dev The fault is part of it: a request's id could be chosen to look like a receipt's hash.
    function _offence(IFaults.Fault fault, address operator, bytes32 deed) internal pure returns (bytes32) {
        return keccak256(abi.encode(fault, operator, deed));
    }

    /// @dev Exact outputs are asked for wherever no tolerance was published.
    function _askCommittee(
        uint256 caseId,
        Case storage case_,
        IReceipts.Receipt calldata receipt,
        IModelRegistry.Mode mode
    ) private {
        Parameters storage kept = _parametersOf(case_);
        case_.stage = Stage.Judging;
        JUDGE_COMMITTEE.request(
            IJudgeCommittee.Brief({
                caseId: caseId,
                operator: case_.operator,
                challenger: case_.challenger,
                modelId: receipt.modelId,
                outputHash: receipt.outputHash,
                exact: mode != IModelRegistry.Mode.Tolerance,
                commitWindow: kept.commitWindow,
                revealWindow: kept.revealWindow
            })
        );
    }

    /// @dev A verifier judges what was served since it was bound; the rest, and modes without one, are for a committee.
    function _verifierFor(IReceipts.Receipt calldata receipt, IModelRegistry.Mode mode) private view returns (address) {
        if (mode != IModelRegistry.Mode.Attested && mode != IModelRegistry.Mode.Proof) return address(0);
        IVerifierRegistry.Binding memory binding = VERIFIER_REGISTRY.bindingOf(receipt.modelId, receipt.version);
        return receipt.servedAt >= binding.boundAt ? binding.verifier : address(0);
    }

    /// @dev A case must end before stake that was there when it began can be gone.
    function _changeParameters(Parameters memory next) private {
        _requireWithin("minProbability", next.minProbability, 1, AuditMath.WAD);
        _requireWithin("bond", next.bond, 1, type(uint96).max);
        require(
            next.bond % BOND_PARTS == 0,
            AuditManager_ParameterOutOfRange("bond", next.bond, BOND_PARTS, type(uint96).max)
        );
        _requireWithin("maxChallenges", next.maxChallenges, 1, MAX_CHALLENGES);
        _requireWithin("answerWindow", next.answerWindow, 1, MAX_WINDOW);
        uint256 reportWindow = UPTIME_LEDGER.schedule().reportWindow;
        _requireWithin("grace", next.grace, _PERIOD_SECONDS + reportWindow + 1, MAX_WINDOW);
        _requireWithin("proofWindow", next.proofWindow, 1, MAX_WINDOW);
        _requireWithin("commitWindow", next.commitWindow, 1, MAX_WINDOW);
        _requireWithin("revealWindow", next.revealWindow, 1, MAX_WINDOW);
        _requireWithin("canaryWindow", next.canaryWindow, 1, MAX_WINDOW);
        _requireWithin("disputeWindow", next.disputeWindow, 1, MAX_WINDOW);
        uint256 judging = Math.max(next.proofWindow, uint256(next.commitWindow) + next.revealWindow);
        uint256 thaw = STAKE_VAULT.THAW();
        uint256 answering = next.answerWindow + MAX_EXTENSIONS * _PERIOD_SECONDS + next.grace;
        _requireWithin("audit", answering + judging, 1, thaw);
        _requireWithin("challenge", uint256(next.disputeWindow) + judging + next.canaryWindow, 1, thaw);
        uint32 version = _parametersVersion + 1;
        emit AuditParametersChanged(version, _parameters[_parametersVersion], next);
        _parametersVersion = version;
        _parameters[version] = next;
    }

    function _requireWithin(bytes32 name, uint256 value, uint256 min, uint256 max) private pure {
        require(value >= min && value <= max, AuditManager_ParameterOutOfRange(name, value, min, max));
    }
}

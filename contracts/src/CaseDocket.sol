// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ICaseDocket} from "./interfaces/ICaseDocket.sol";
import {IFaults} from "./interfaces/IFaults.sol";
import {IInferenceSettlement} from "./interfaces/IInferenceSettlement.sol";
import {IJudgeCommittee} from "./interfaces/IJudgeCommittee.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {IOperatorRegistry} from "./interfaces/IOperatorRegistry.sol";
import {IReceiptVerifier} from "./interfaces/IReceiptVerifier.sol";
import {IReceipts} from "./interfaces/IReceipts.sol";
import {IStakeVault} from "./interfaces/IStakeVault.sol";
import {IStressGauge} from "./interfaces/IStressGauge.sol";
import {IUptimeLedger} from "./interfaces/IUptimeLedger.sol";
import {IVerifierRegistry} from "./interfaces/IVerifierRegistry.sol";
import {AuditMath} from "./libraries/AuditMath.sol";
import {Offence} from "./libraries/Offence.sol";
import {ReceiptHash} from "./libraries/ReceiptHash.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title CaseDocket
/// @notice Behaviour, units and errors are documented on `ICaseDocket`.
contract CaseDocket is ICaseDocket, AccessManaged {
    uint256 public constant MAX_EXTENSIONS = 8;
    uint256 private constant MAX_CHALLENGES = 1024;
    uint256 private constant MAX_WINDOW = 30 days;

    uint256 public immutable BOND_PARTS;
    IInferenceSettlement private immutable _SETTLEMENT;
    IOperatorRegistry private immutable _OPERATOR_REGISTRY;
    IModelRegistry private immutable _MODEL_REGISTRY;
    IStakeVault private immutable _STAKE_VAULT;
    IUptimeLedger private immutable _UPTIME_LEDGER;
    IFaults private immutable _FAULTS;
    IVerifierRegistry private immutable _VERIFIER_REGISTRY;
    IJudgeCommittee private immutable _JUDGE_COMMITTEE;
    IStressGauge private immutable _STRESS_GAUGE;
    uint64 private immutable _PERIOD_SECONDS;

    mapping(uint32 version => Parameters) private _parameters;
    uint32 private _parametersVersion;
    uint256 private _caseCount;
    mapping(uint256 caseId => Case) private _cases;
    /// @dev As of the opening of the case.
    mapping(uint256 caseId => mapping(IFaults.Fault => IFaults.Terms)) private _terms;
    mapping(bytes32 offence => uint256) private _docket;
    /// @dev What payers got back of the fees that they paid in a lane: refunds never exceed those.
    mapping(address payer => mapping(address operator => mapping(bytes32 modelId => uint256))) private _refunded;

    constructor(address manager, System memory system_, Parameters memory parameters_) AccessManaged(manager) {
        require(
            address(system_.settlement) != address(0) && address(system_.operatorRegistry) != address(0)
                && address(system_.modelRegistry) != address(0) && address(system_.stakeVault) != address(0)
                && address(system_.uptimeLedger) != address(0) && address(system_.faults) != address(0)
                && address(system_.verifierRegistry) != address(0) && address(system_.judgeCommittee) != address(0)
                && address(system_.stressGauge) != address(0),
            CaseDocket_ZeroAddress()
        );
        _SETTLEMENT = system_.settlement;
        _OPERATOR_REGISTRY = system_.operatorRegistry;
        _MODEL_REGISTRY = system_.modelRegistry;
        _STAKE_VAULT = system_.stakeVault;
        _UPTIME_LEDGER = system_.uptimeLedger;
        _FAULTS = system_.faults;
        _VERIFIER_REGISTRY = system_.verifierRegistry;
        _JUDGE_COMMITTEE = system_.judgeCommittee;
        _STRESS_GAUGE = system_.stressGauge;
        _PERIOD_SECONDS = system_.uptimeLedger.periodStart(1) - system_.uptimeLedger.periodStart(0);
        BOND_PARTS = system_.judgeCommittee.SEATS() + 1;
        emit CaseDocketConfigured(system_);
        _changeParameters(parameters_);
    }

    /// @inheritdoc ICaseDocket
    function open(address operator, address challenger)
        external
        restricted
        returns (uint256 caseId, Case memory opened)
    {
        caseId = ++_caseCount;
        uint32 version = _parametersVersion;
        bool isAudit = challenger == address(0);
        opened.operator = operator;
        opened.openedAt = uint64(block.timestamp);
        opened.stage = Stage.Seeding;
        opened.challenger = challenger;
        opened.parametersVersion = version;
        opened.bond = isAudit ? 0 : _parameters[version].bond;
        opened.principalCap = _STAKE_VAULT.slashable(operator);
        _cases[caseId] = opened;
        _keepTerms(caseId, IFaults.Fault.WrongOutput);
        _keepTerms(caseId, IFaults.Fault.Unrevealed);
        _keepTerms(caseId, isAudit ? IFaults.Fault.Withheld : IFaults.Fault.FalseReport);
        _STRESS_GAUGE.recordOpened();
    }

    /// @inheritdoc ICaseDocket
    function awaitAnswer(uint256 caseId, uint64 deadline) external restricted {
        Case storage case_ = _unanswered(caseId);
        case_.stage = Stage.Answering;
        case_.deadline = deadline;
    }

    /// @inheritdoc ICaseDocket
    function judge(uint256 caseId, IReceipts.Receipt calldata receipt, bytes calldata signature) external restricted {
        Case storage case_ = _unanswered(caseId);
        (, address signer, bytes32 receiptHash) = _authenticate(receipt, signature, case_.operator);
        _judge(caseId, case_, receipt, signer, receiptHash);
    }

    /// @inheritdoc ICaseDocket
    function prove(uint256 caseId, IReceipts.Receipt calldata receipt, bytes calldata evidence) external {
        Case storage case_ = _inStage(caseId, Stage.Proving);
        require(block.timestamp < case_.deadline, CaseDocket_DeadlinePassed(caseId, case_.deadline));
        bytes32 receiptHash = ReceiptHash.structHash(receipt);
        require(receiptHash == case_.receiptHash, CaseDocket_WrongReceipt(caseId, receiptHash));
        bytes32 weightsDigest = _MODEL_REGISTRY.version(receipt.modelId, receipt.version).weightsDigest;
        address verifier = case_.verifier;
        require(
            IReceiptVerifier(verifier).verify(receipt, case_.signer, weightsDigest, evidence),
            CaseDocket_NotConvinced(caseId, verifier)
        );
        _decide(caseId, case_, Verdict.Passed);
    }

    /// @inheritdoc ICaseDocket
    function conclude(uint256 caseId) external {
        Case storage case_ = _cases[caseId];
        if (case_.stage == Stage.Proving) {
            require(block.timestamp >= case_.deadline, CaseDocket_TooEarly(caseId, case_.deadline));
            return _decide(caseId, case_, Verdict.Failed);
        }
        _inStage(caseId, Stage.Judging);
        Verdict verdict = _JUDGE_COMMITTEE.verdictOf(caseId);
        require(verdict != Verdict.None, CaseDocket_NotDecided(caseId));
        _decide(caseId, case_, verdict);
    }

    /// @inheritdoc ICaseDocket
    function withhold(uint256 caseId, uint256 batchId, address beneficiary) external restricted {
        Case storage case_ = _inStage(caseId, Stage.Answering);
        case_.offence = Offence.id(IFaults.Fault.Withheld, case_.operator, bytes32(batchId));
        _decide(caseId, case_, Verdict.Withheld);
        _close(caseId, case_, beneficiary);
    }

    /// @inheritdoc ICaseDocket
    function close(uint256 caseId, address beneficiary) external restricted {
        _close(caseId, _inStage(caseId, Stage.Decided), beneficiary);
    }

    /// @inheritdoc ICaseDocket
    function void(uint256 caseId) external restricted {
        Case storage case_ = _inStage(caseId, Stage.Decided);
        case_.verdict = Verdict.Voided;
        _close(caseId, case_, address(0));
    }

    /// @inheritdoc ICaseDocket
    function punishEquivocation(address operator, IReceipts.Receipt calldata receipt, address beneficiary)
        external
        restricted
    {
        _STRESS_GAUGE.recordOpened();
        _STRESS_GAUGE.recordClosed(true);
        _FAULTS.punish(
            IFaults.Punishment({
                fault: IFaults.Fault.Equivocation,
                operator: operator,
                offence: Offence.id(IFaults.Fault.Equivocation, operator, receipt.requestId),
                terms: _FAULTS.terms(IFaults.Fault.Equivocation),
                principalCap: _STAKE_VAULT.slashable(operator),
                beneficiary: beneficiary,
                victim: receipt.payer,
                refund: _refund(receipt.payer, operator, receipt.modelId, receipt.fee)
            })
        );
    }

    /// @inheritdoc ICaseDocket
    function punishJudge(uint256 caseId, uint8 seat) external {
        Case storage case_ = _cases[caseId];
        require(case_.stage == Stage.Decided || case_.stage == Stage.Closed, CaseDocket_WrongStage(caseId, case_.stage));
        IJudgeCommittee.Seat memory taken = _JUDGE_COMMITTEE.seatOf(caseId, seat);
        if (taken.outputHash == bytes32(0)) return _punishJudge(caseId, IFaults.Fault.Unrevealed, taken);
        require(
            case_.verdict == Verdict.Voided
                && taken.outputHash == _JUDGE_COMMITTEE.committeeOf(caseId).brief.outputHash,
            CaseDocket_NotAtFault(caseId, seat)
        );
        _punishJudge(caseId, IFaults.Fault.FalseReport, taken);
    }

    /// @inheritdoc ICaseDocket
    function changeParameters(Parameters calldata parameters_) external restricted {
        _changeParameters(parameters_);
    }

    /// @inheritdoc ICaseDocket
    function system() external view returns (System memory) {
        return System({
            settlement: _SETTLEMENT,
            operatorRegistry: _OPERATOR_REGISTRY,
            modelRegistry: _MODEL_REGISTRY,
            stakeVault: _STAKE_VAULT,
            uptimeLedger: _UPTIME_LEDGER,
            faults: _FAULTS,
            verifierRegistry: _VERIFIER_REGISTRY,
            judgeCommittee: _JUDGE_COMMITTEE,
            stressGauge: _STRESS_GAUGE
        });
    }

    /// @inheritdoc ICaseDocket
    function parameters() external view returns (Parameters memory current, uint32 version) {
        version = _parametersVersion;
        current = _parameters[version];
    }

    /// @inheritdoc ICaseDocket
    function parametersOf(uint32 version) external view returns (Parameters memory) {
        return _parameters[version];
    }

    /// @inheritdoc ICaseDocket
    function caseOf(uint256 caseId) external view returns (Case memory) {
        return _cases[caseId];
    }

    /// @inheritdoc ICaseDocket
    function caseIn(uint256 caseId, Stage stage) external view returns (Case memory) {
        return _inStage(caseId, stage);
    }

    /// @inheritdoc ICaseDocket
    function caseCount() external view returns (uint256) {
        return _caseCount;
    }

    /// @inheritdoc ICaseDocket
    function docketOf(bytes32 offence) external view returns (uint256 caseId) {
        return _docket[offence];
    }

    /// @inheritdoc ICaseDocket
    function receiptDigest(IReceipts.Receipt calldata receipt) external view returns (bytes32) {
        return ReceiptHash.digest(ReceiptHash.structHash(receipt), address(_SETTLEMENT));
    }

    /// @inheritdoc ICaseDocket
    function authenticate(IReceipts.Receipt calldata receipt, bytes calldata signature)
        external
        view
        returns (address operator, address signer, bytes32 receiptHash)
    {
        return _authenticate(receipt, signature, address(0));
    }

    /// @inheritdoc ICaseDocket
    function offenceOf(address operator, bytes32 receiptHash) public pure returns (bytes32) {
        return Offence.id(IFaults.Fault.WrongOutput, operator, receiptHash);
    }

    function _keepTerms(uint256 caseId, IFaults.Fault fault) private {
        _terms[caseId][fault] = _FAULTS.terms(fault);
    }

    /// @dev Gives a receipt to who judges it, by the mode of its version.
    function _judge(
        uint256 caseId,
        Case storage case_,
        IReceipts.Receipt calldata receipt,
        address signer,
        bytes32 receiptHash
    ) private {
        case_.payer = receipt.payer;
        case_.signer = signer;
        case_.fee = receipt.fee;
        case_.modelId = receipt.modelId;
        case_.receiptHash = receiptHash;
        case_.offence = offenceOf(case_.operator, receiptHash);
        // Reverts when there is no such version: what cannot be judged is no receipt.
        IModelRegistry.Mode mode = _MODEL_REGISTRY.version(receipt.modelId, receipt.version).mode;
        address verifier = _verifierFor(receipt, mode);
        if (verifier == address(0)) {
            _askCommittee(caseId, case_, receipt, mode);
        } else {
            case_.stage = Stage.Proving;
            case_.verifier = verifier;
            case_.deadline = uint64(block.timestamp) + _parametersOf(case_).proofWindow;
        }
        // Nobody must challenge what an audit judges already; a challenge that came first goes on beside the audit.
        if (case_.challenger != address(0) || _docket[case_.offence] == 0) _docket[case_.offence] = caseId;
        emit JudgementBegun(
            case_.operator, caseId, case_.offence, case_.stage, verifier, case_.deadline, signer, receipt
        );
    }

    /// @dev Audits have no canaries, so their verdicts need not wait for one.
    function _decide(uint256 caseId, Case storage case_, Verdict verdict) private {
        uint64 executableAt = uint64(block.timestamp);
        if (case_.challenger != address(0)) executableAt += _parametersOf(case_).canaryWindow;
        case_.stage = Stage.Decided;
        case_.verdict = verdict;
        case_.deadline = executableAt;
        emit CaseDecided(case_.operator, caseId, verdict, executableAt);
    }

    /// @dev Ends a case, and punishes its operator when it lost and the deed was not punished before: an audit and a
    ///      challenge of one receipt can meet.
    function _close(uint256 caseId, Case storage case_, address beneficiary) private {
        Verdict verdict = case_.verdict;
        bool lost = verdict == Verdict.Failed || verdict == Verdict.Withheld;
        bool punished = lost && !_FAULTS.isPunished(case_.offence);
        case_.stage = Stage.Closed;
        emit CaseClosed(case_.operator, caseId, verdict, punished);
        _STRESS_GAUGE.recordClosed(lost);
        if (!punished) return;
        IFaults.Fault fault = verdict == Verdict.Withheld ? IFaults.Fault.Withheld : IFaults.Fault.WrongOutput;
        _FAULTS.punish(
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
    function _punishJudge(uint256 caseId, IFaults.Fault fault, IJudgeCommittee.Seat memory seat) private {
        bytes32 offence = Offence.id(fault, seat.member, bytes32(caseId));
        require(!_FAULTS.isPunished(offence), CaseDocket_AlreadyPunished(offence));
        emit JudgePunished(seat.member, caseId, offence);
        _FAULTS.punish(
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
    function _refund(address payer, address operator, bytes32 modelId, uint256 fee) private returns (uint256 refund) {
        if (payer == address(0)) return 0;
        uint256 paid = _SETTLEMENT.lane(payer, operator, modelId).fee;
        uint256 before = _refunded[payer][operator][modelId];
        refund = Math.min(fee, Math.saturatingSub(paid, before));
        _refunded[payer][operator][modelId] = before + refund;
    }

    /// @dev Reverts unless a key that was the operator's when it was served signed the receipt. With no operator given, it is
    ///      the key's.
    function _authenticate(IReceipts.Receipt calldata receipt, bytes calldata signature, address operator)
        private
        view
        returns (address, address signer, bytes32 receiptHash)
    {
        receiptHash = ReceiptHash.structHash(receipt);
        (signer,,) = ECDSA.tryRecoverCalldata(ReceiptHash.digest(receiptHash, address(_SETTLEMENT)), signature);
        IOperatorRegistry.KeyBinding memory binding = _OPERATOR_REGISTRY.keyBinding(signer);
        if (operator == address(0)) operator = binding.operator;
        require(
            signer != address(0) && binding.operator != address(0) && binding.operator == operator
                && binding.from <= receipt.servedAt && (binding.until == 0 || receipt.servedAt <= binding.until),
            CaseDocket_InvalidReceipt(signer, operator)
        );
        return (operator, signer, receiptHash);
    }

    /// @dev Those that the case keeps.
    function _parametersOf(Case storage case_) private view returns (Parameters storage) {
        return _parameters[case_.parametersVersion];
    }

    /// @dev A case that has no receipt yet.
    function _unanswered(uint256 caseId) private view returns (Case storage case_) {
        case_ = _cases[caseId];
        require(
            case_.stage == Stage.Seeding || case_.stage == Stage.Answering, CaseDocket_WrongStage(caseId, case_.stage)
        );
    }

    function _inStage(uint256 caseId, Stage stage) private view returns (Case storage case_) {
        case_ = _cases[caseId];
        require(case_.stage == stage, CaseDocket_WrongStage(caseId, case_.stage));
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
        _JUDGE_COMMITTEE.request(
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
        IVerifierRegistry.Binding memory binding = _VERIFIER_REGISTRY.bindingOf(receipt.modelId, receipt.version);
        return receipt.servedAt >= binding.boundAt ? binding.verifier : address(0);
    }

    /// @dev A case must end before stake that was there when it began can be gone.
    function _changeParameters(Parameters memory next) private {
        _requireWithin("minProbability", next.minProbability, 1, AuditMath.WAD);
        _requireWithin("bond", next.bond, 1, type(uint96).max);
        require(
            next.bond % BOND_PARTS == 0, CaseDocket_ParameterOutOfRange("bond", next.bond, BOND_PARTS, type(uint96).max)
        );
        _requireWithin("maxChallenges", next.maxChallenges, 1, MAX_CHALLENGES);
        _requireWithin("answerWindow", next.answerWindow, 1, MAX_WINDOW);
        uint256 reportWindow = _UPTIME_LEDGER.schedule().reportWindow;
        _requireWithin("grace", next.grace, _PERIOD_SECONDS + reportWindow + 1, MAX_WINDOW);
        _requireWithin("proofWindow", next.proofWindow, 1, MAX_WINDOW);
        _requireWithin("commitWindow", next.commitWindow, 1, MAX_WINDOW);
        _requireWithin("revealWindow", next.revealWindow, 1, MAX_WINDOW);
        _requireWithin("canaryWindow", next.canaryWindow, 1, MAX_WINDOW);
        _requireWithin("disputeWindow", next.disputeWindow, 1, MAX_WINDOW);
        uint256 judging = Math.max(next.proofWindow, uint256(next.commitWindow) + next.revealWindow);
        uint256 thaw = _STAKE_VAULT.THAW();
        uint256 answering = next.answerWindow + MAX_EXTENSIONS * _PERIOD_SECONDS + next.grace;
        _requireWithin("audit", answering + judging, 1, thaw);
        _requireWithin("challenge", uint256(next.disputeWindow) + judging + next.canaryWindow, 1, thaw);
        uint32 version = _parametersVersion + 1;
        emit AuditParametersChanged(version, _parameters[_parametersVersion], next);
        _parametersVersion = version;
        _parameters[version] = next;
    }

    function _requireWithin(bytes32 name, uint256 value, uint256 min, uint256 max) private pure {
        require(value >= min && value <= max, CaseDocket_ParameterOutOfRange(name, value, min, max));
    }
}

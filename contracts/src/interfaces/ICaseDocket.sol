// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IFaults} from "./IFaults.sol";
import {IInferenceSettlement} from "./IInferenceSettlement.sol";
import {IJudgeCommittee} from "./IJudgeCommittee.sol";
import {IModelRegistry} from "./IModelRegistry.sol";
import {IOperatorRegistry} from "./IOperatorRegistry.sol";
import {IReceipts} from "./IReceipts.sol";
import {IStakeVault} from "./IStakeVault.sol";
import {IStressGauge} from "./IStressGauge.sol";
import {IUptimeLedger} from "./IUptimeLedger.sol";
import {IVerdicts} from "./IVerdicts.sol";
import {IVerifierRegistry} from "./IVerifierRegistry.sol";

/// @title One docket for the cases of audits and challenges
/// @notice A case begins with an accused operator and ends with a verdict on one of its receipts. Auditors (the
///         `AuditManager` and the `ChallengeManager`) open and close cases; what lies between is anybody's: a receipt is
///         judged by its model's mode, by the verifier bound to the version or else by a committee. The docket keeps the
///         parameters and terms of each case as they were when it was opened, and is who has faults punished.
interface ICaseDocket is IVerdicts {
    /// @dev `Seeding`: a seed decides which leaf is audited. `Answering`: the leaf must be shown. `Proving`: the version's
    ///      verifier must be convinced. `Judging`: a committee is at work. `Decided`: the verdict waits to be executed.
    ///      `Closed`: nothing more happens.
    enum Stage {
        None,
        Seeding,
        Answering,
        Proving,
        Judging,
        Decided,
        Closed
    }

    /// @notice What the docket works with.
    struct System {
        IInferenceSettlement settlement;
        IOperatorRegistry operatorRegistry;
        IModelRegistry modelRegistry;
        IStakeVault stakeVault;
        IUptimeLedger uptimeLedger;
        IFaults faults;
        IVerifierRegistry verifierRegistry;
        IJudgeCommittee judgeCommittee;
        IStressGauge stressGauge;
    }

    /// @notice Parameters; a case keeps those in force when it was opened. Seconds where not said otherwise.
    /// @param minProbability `pMin`: least probability of an audit, a fraction of 1e18.
    /// @param bond Bond of a challenge, fee-token base units, a multiple of `BOND_PARTS`: as many times what judging costs
    ///        one judge.
    /// @param maxChallenges Open challenges that one operator can have.
    /// @param answerWindow In which an audited leaf must be shown.
    /// @param grace After it, in which an outage can still be shown to lengthen it: at least a period and its report window.
    /// @param proofWindow In which a verifier must be convinced.
    /// @param commitWindow In which judges commit.
    /// @param revealWindow In which they reveal.
    /// @param canaryWindow Between the verdict on a challenge and its execution.
    /// @param disputeWindow Age up to which a receipt can be challenged.
    struct Parameters {
        uint64 minProbability;
        uint128 bond;
        uint32 maxChallenges;
        uint32 answerWindow;
        uint32 grace;
        uint32 proofWindow;
        uint32 commitWindow;
        uint32 revealWindow;
        uint32 canaryWindow;
        uint32 disputeWindow;
    }

    /// @notice An audit or a challenge.
    /// @param operator Who is accused.
    /// @param openedAt Unix seconds.
    /// @param stage See `Stage`.
    /// @param verdict See `Verdict`.
    /// @param challenger Who challenged; zero in an audit.
    /// @param deadline Unix seconds: until which to answer or to prove; from which on to execute what was decided.
    /// @param parametersVersion Parameters that the case keeps.
    /// @param payer Whose request the receipt answers; zero before the receipt is known, as all of it is.
    /// @param signer Key that signed the receipt.
    /// @param verifier Verifier that judges, zero where a committee does.
    /// @param bond The challenger's bond.
    /// @param fee Fee on the receipt.
    /// @param receiptHash EIP-712 struct hash of the receipt.
    /// @param offence Identity of the deed, should it be one.
    /// @param modelId Model that was served.
    /// @param principalCap Most stake that a verdict can take: what was slashable at the opening, stake-token base units.
    struct Case {
        address operator;
        uint64 openedAt;
        Stage stage;
        Verdict verdict;
        address challenger;
        uint64 deadline;
        uint32 parametersVersion;
        address payer;
        address signer;
        address verifier;
        uint128 bond;
        uint128 fee;
        bytes32 receiptHash;
        bytes32 offence;
        bytes32 modelId;
        uint256 principalCap;
    }

    /// @notice A receipt is judged: in `Proving` by `verifier` until `deadline`, in `Judging` by a committee that the
    ///         `JudgeCommittee` draws.
    event JudgementBegun(
        address indexed operator,
        uint256 indexed caseId,
        bytes32 indexed offence,
        Stage stage,
        address verifier,
        uint64 deadline,
        address signer,
        IReceipts.Receipt receipt
    );

    /// @notice A verdict, which can be executed from `executableAt` on.
    event CaseDecided(address indexed operator, uint256 indexed caseId, Verdict verdict, uint64 executableAt);

    /// @notice A case ended. `punished` is false for a failed one whose deed had been punished already.
    event CaseClosed(address indexed operator, uint256 indexed caseId, Verdict verdict, bool punished);

    /// @notice A judge was punished: it had not committed and revealed, or had called a canary right.
    event JudgePunished(address indexed member, uint256 indexed caseId, bytes32 indexed offence);

    /// @notice The parameters of cases opened from now on; `previous` is zero-valued at deployment.
    event AuditParametersChanged(uint32 indexed version, Parameters previous, Parameters current);

    /// @notice Emitted once, at deployment.
    event CaseDocketConfigured(System system);

    error CaseDocket_ZeroAddress();
    error CaseDocket_WrongStage(uint256 caseId, Stage stage);
    error CaseDocket_DeadlinePassed(uint256 caseId, uint64 deadline);
    error CaseDocket_TooEarly(uint256 caseId, uint64 from);
    error CaseDocket_InvalidReceipt(address recovered, address operator);
    error CaseDocket_WrongReceipt(uint256 caseId, bytes32 receiptHash);
    error CaseDocket_NotConvinced(uint256 caseId, address verifier);
    error CaseDocket_NotDecided(uint256 caseId);
    error CaseDocket_NotAtFault(uint256 caseId, uint8 seat);
    error CaseDocket_AlreadyPunished(bytes32 offence);
    error CaseDocket_ParameterOutOfRange(bytes32 name, uint256 value, uint256 min, uint256 max);

    /// @notice Most periods by which one answer's deadline is moved.
    function MAX_EXTENSIONS() external view returns (uint256);

    /// @notice Equal parts of a bond: one for each judge of a full committee, and one for the operator.
    function BOND_PARTS() external view returns (uint256);

    /// @notice Convinces the verifier of a case before the deadline; the receipt passes. Anyone may call.
    function prove(uint256 caseId, IReceipts.Receipt calldata receipt, bytes calldata evidence) external;

    /// @notice Takes the verdict of the committee, or fails a receipt that nobody proved in time. Anyone may call.
    function conclude(uint256 caseId) external;

    /// @notice Punishes a judge of a decided case that did not commit and reveal, or that called a canary right. Anyone may
    ///         call.
    function punishJudge(uint256 caseId, uint8 seat) external;

    /// @notice Changes the parameters of cases opened from now on. Restricted.
    function changeParameters(Parameters calldata parameters_) external;

    /// @notice Opens a case in `Seeding`, under the parameters and terms in force. Restricted to auditors.
    /// @param challenger Who challenges; zero in an audit.
    function open(address operator, address challenger) external returns (uint256 caseId, Case memory opened);

    /// @notice Has a case wait for its receipt until the deadline; again, to move that. Restricted to auditors.
    function awaitAnswer(uint256 caseId, uint64 deadline) external;

    /// @notice Gives a case its receipt, and that to who judges it, by the mode of its version. Restricted to auditors.
    /// @param signature EIP-712 signature of the receipt by a key that was the operator's when it was served.
    function judge(uint256 caseId, IReceipts.Receipt calldata receipt, bytes calldata signature) external;

    /// @notice Closes a case whose receipt was not shown, and punishes its operator. Restricted to auditors.
    /// @param batchId Batch that was audited.
    /// @param beneficiary Who gets the cut.
    function withhold(uint256 caseId, uint256 batchId, address beneficiary) external;

    /// @notice Closes a decided case; punishes its operator when it lost and the deed was not punished before. Restricted to
    ///         auditors.
    /// @param beneficiary Who gets the cut; zero when nobody.
    function close(uint256 caseId, address beneficiary) external;

    /// @notice Voids the verdict of a decided case, and closes it. Restricted to auditors.
    function void(uint256 caseId) external;

    /// @notice Punishes an operator for two outputs for one request, which prove themselves: no case is opened. Restricted to
    ///         auditors, who have looked at both.
    /// @param receipt Whose payer is refunded.
    /// @param beneficiary Who gets the cut.
    function punishEquivocation(address operator, IReceipts.Receipt calldata receipt, address beneficiary) external;

    /// @notice What it works with, fixed at deployment.
    function system() external view returns (System memory);

    /// @notice The parameters in force, and their version.
    function parameters() external view returns (Parameters memory current, uint32 version);

    /// @notice The parameters of a version.
    function parametersOf(uint32 version) external view returns (Parameters memory);

    /// @notice A case; all zero when it does not exist.
    function caseOf(uint256 caseId) external view returns (Case memory);

    /// @notice A case that is in this stage; reverts when it is not.
    function caseIn(uint256 caseId, Stage stage) external view returns (Case memory);

    /// @notice Cases so far; also the number of the newest.
    function caseCount() external view returns (uint256);

    /// @notice The last case in which a receipt was judged; zero when none.
    function docketOf(bytes32 offence) external view returns (uint256 caseId);

    /// @notice Identity of the deed of having signed a wrong receipt.
    function offenceOf(address operator, bytes32 receiptHash) external pure returns (bytes32);

    /// @notice EIP-712 digest of a receipt, in the settlement's domain, that its operator signs.
    function receiptDigest(IReceipts.Receipt calldata receipt) external view returns (bytes32);

    /// @notice Whose receipt it is; reverts unless a key that was the operator's when it was served signed it.
    function authenticate(IReceipts.Receipt calldata receipt, bytes calldata signature)
        external
        view
        returns (address operator, address signer, bytes32 receiptHash);
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IBatches} from "./IBatches.sol";
import {IReceipts} from "./IReceipts.sol";
import {IVerdicts} from "./IVerdicts.sol";

/// @title Random audits of settled batches and challenges of single receipts: one docket of cases
/// @notice Every batch is drawn by a seed that nobody knew when it was settled; it is released at once, or one leaf of its
///         tree must be shown and judged first. Besides, anybody who holds a signed receipt can challenge it against a bond.
///         A receipt is judged by its model's mode: by the verifier bound to the version, else by a committee. Amounts are
///         fee-token base units unless a name says otherwise; credits wait for `collect`.
interface IAuditManager is IVerdicts {
    /// @dev `Seeding`: the batch's seed was lost; another decides which leaf is audited. `Answering`: the leaf must be shown.
    ///      `Proving`: the version's verifier must be convinced. `Judging`: a committee is at work. `Decided`: the verdict
    ///      waits to be executed. `Closed`: nothing more happens.
    enum Stage {
        None,
        Seeding,
        Answering,
        Proving,
        Judging,
        Decided,
        Closed
    }

    /// @notice Parameters; a case keeps those in force when it was opened. Seconds where not said otherwise.
    /// @param minProbability `pMin`: least probability of an audit, a fraction of 1e18.
    /// @param bond Bond of a challenge, fee-token base units, a multiple of 6: six times what judging costs one judge.
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
    /// @param extensions Periods by which the answer's deadline was moved.
    /// @param challenger Who challenged; zero in an audit.
    /// @param deadline Unix seconds: until which to answer or to prove; from which on to execute what was decided.
    /// @param parametersVersion Parameters that the case keeps.
    /// @param payer Whose request the receipt answers; this and what follows is zero before the receipt is known.
    /// @param round Round whose seed a `Seeding` case waits for, zero otherwise.
    /// @param signer Key that signed the receipt.
    /// @param verifier Verifier that judges, zero where a committee does.
    /// @param bond The challenger's bond.
    /// @param fee Fee on the receipt.
    /// @param batchId Batch that is audited; zero in a challenge.
    /// @param path Way down its tree, see `LeafPath`.
    /// @param receiptHash EIP-712 struct hash of the receipt.
    /// @param offence Identity of the deed, should it be one.
    /// @param modelId Model that was served.
    /// @param principalCap Most stake that a verdict can take: what was slashable at the opening, stake-token base units.
    struct Case {
        address operator;
        uint64 openedAt;
        Stage stage;
        Verdict verdict;
        uint8 extensions;
        address challenger;
        uint64 deadline;
        uint32 parametersVersion;
        address payer;
        uint64 round;
        address signer;
        address verifier;
        uint128 bond;
        uint128 fee;
        uint256 batchId;
        bytes32 path;
        bytes32 receiptHash;
        bytes32 offence;
        bytes32 modelId;
        uint256 principalCap;
    }

    /// @param planter Who planted it; zero when nobody.
    /// @param plantedAt Unix seconds.
    struct Canary {
        address planter;
        uint64 plantedAt;
    }

    /// @notice A batch was drawn with `probability` (fraction of 1e18). It is released at once when `caseId` is zero, else
    ///         audited: that case's `AuditOpened` follows. `seed` is zero when the seed of `round` was lost, which makes an
    ///         audit certain.
    event BatchDrawn(
        address indexed operator,
        uint256 indexed batchId,
        uint256 indexed caseId,
        uint64 round,
        bytes32 seed,
        uint256 probability
    );

    /// @notice An audit was opened. With `round` not zero it waits for that round's seed.
    event AuditOpened(
        address indexed operator,
        uint256 indexed caseId,
        uint256 indexed batchId,
        uint64 round,
        uint256 principalCap,
        uint32 parametersVersion
    );

    /// @notice The seed of a waiting audit was lost too; that of `round` decides.
    event AuditReseeded(address indexed operator, uint256 indexed caseId, uint64 round);

    /// @notice The leaf at the end of `path` must be shown before `deadline`.
    event LeafRequested(address indexed operator, uint256 indexed caseId, bytes32 path, uint64 deadline);

    /// @notice More than a third of the operator-slots of `period` were missed: the deadline moved.
    event DeadlineExtended(address indexed operator, uint256 indexed caseId, uint64 indexed period, uint64 deadline);

    /// @notice The audited leaf was shown.
    event LeafAnswered(address indexed operator, uint256 indexed caseId, address indexed responder);

    /// @notice A receipt was challenged.
    event ChallengeOpened(
        address indexed operator,
        uint256 indexed caseId,
        address indexed challenger,
        uint128 bond,
        uint256 principalCap,
        uint32 parametersVersion
    );

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

    /// @notice Two receipts of one request contradict each other; the operator was punished.
    event EquivocationProved(
        address indexed operator,
        address indexed reporter,
        bytes32 indexed offence,
        bytes32 requestId,
        bytes32 receiptHashA,
        bytes32 receiptHashB
    );

    /// @notice A judge was punished: it had not committed and revealed, or had called a canary right.
    event JudgePunished(address indexed member, uint256 indexed caseId, bytes32 indexed offence);

    /// @notice `amount` of a case's bond waits for `account`.
    event BondCredited(address indexed account, uint256 indexed caseId, uint256 amount);

    /// @notice Credits were paid.
    event CreditCollected(address indexed account, uint256 amount);

    /// @notice Somebody committed to challenge a receipt that is known to be wrong.
    event CanaryPlanted(address indexed planter, bytes32 indexed commitment);

    /// @notice A challenge turned out to be a canary: its verdict is void.
    event CanaryRevealed(address indexed planter, uint256 indexed caseId, bytes32 indexed commitment);

    /// @notice The parameters of cases opened from now on; `previous` is zero-valued at deployment.
    event AuditParametersChanged(uint32 indexed version, Parameters previous, Parameters current);

    /// @notice Emitted once, at deployment.
    event AuditManagerConfigured(
        address settlement,
        address operatorRegistry,
        address modelRegistry,
        address stakeVault,
        address uptimeLedger,
        address faults,
        address randomness,
        address verifierRegistry,
        address judgeCommittee,
        address stressGauge
    );

    error AuditManager_ZeroAddress();
    error AuditManager_WrongBatch(uint256 batchId);
    error AuditManager_AlreadyDrawn(uint256 batchId, uint256 caseId);
    error AuditManager_SeedPending(uint64 round);
    error AuditManager_WrongStage(uint256 caseId, Stage stage);
    error AuditManager_NotAudit(uint256 caseId);
    error AuditManager_NotChallenge(uint256 caseId);
    error AuditManager_DeadlinePassed(uint256 caseId, uint64 deadline);
    error AuditManager_TooEarly(uint256 caseId, uint64 from);
    error AuditManager_WrongLeaf(uint256 caseId);
    error AuditManager_InvalidReceipt(address recovered, address operator);
    error AuditManager_WrongReceipt(uint256 caseId, bytes32 receiptHash);
    error AuditManager_NotConvinced(uint256 caseId, address verifier);
    error AuditManager_NotDecided(uint256 caseId);
    error AuditManager_NoOutage(uint64 period, uint32 missedBps);
    error AuditManager_PeriodOutsideWindow(uint64 period, uint64 opensAt, uint64 deadline);
    error AuditManager_AlreadyExtended(uint256 caseId, uint64 period);
    error AuditManager_TooManyExtensions(uint256 caseId, uint256 max);
    error AuditManager_ReceiptTooOld(uint64 servedAt, uint256 challengeableUntil);
    error AuditManager_AlreadyPunished(bytes32 offence);
    error AuditManager_AlreadyOnDocket(bytes32 offence, uint256 caseId);
    error AuditManager_TooManyChallenges(address operator, uint256 max);
    error AuditManager_NoEquivocation();
    error AuditManager_CanaryExists(bytes32 commitment);
    error AuditManager_NotCanary(uint256 caseId, bytes32 commitment);
    error AuditManager_NotAtFault(uint256 caseId, uint8 seat);
    error AuditManager_NothingToClaim(address account);
    error AuditManager_ParameterOutOfRange(bytes32 name, uint256 value, uint256 min, uint256 max);

    /// @notice Most periods by which one answer's deadline is moved.
    function MAX_EXTENSIONS() external view returns (uint256);

    /// @notice Draws a settled batch: releases it, or opens an audit. Anyone may call, once its seed is known or lost. Any
    ///         delay is the operator's loss: nothing is released without a draw, and the odds are those of now.
    /// @dev `p = min(1, m * max(pMin, β risk / (D K)))`, rounded up, `√p` where the seed can be biased; certain when nothing
    ///      covers the operator or the seed was lost, so that who withholds a seed gains nothing.
    /// @return caseId The audit's case, zero when the batch was released.
    function draw(uint256 batchId, IBatches.Batch calldata batch) external returns (uint256 caseId);

    /// @notice Asks for the leaf of an audit whose first seed was lost, once another is known; or for yet another seed.
    ///         Anyone may call.
    function seedAudit(uint256 caseId) external;

    /// @notice Shows the audited leaf, before the deadline. Anyone may call: the operator, the payer, an archive.
    /// @dev The leaf lies at the end of the case's path, at a depth that a complete tree of the batch's size has, and its
    ///      receipt is signed by a key that was the operator's when it was served. Anything else reverts.
    /// @param signature The operator's EIP-712 signature of the receipt.
    /// @param proof Siblings from the leaf to the root.
    function answer(
        uint256 caseId,
        IBatches.Batch calldata batch,
        IReceipts.Receipt calldata receipt,
        bytes calldata signature,
        bytes32[] calldata proof
    ) external;

    /// @notice Moves the deadline of an answer by one period, for a weighed period in which more than a third of all
    ///         operator-slots were missed and which overlaps the window: each period once, at most `MAX_EXTENSIONS`, until
    ///         the grace is over.
    function extend(uint256 caseId, uint64 period) external;

    /// @notice Punishes an operator whose audited leaf nobody showed, and releases what is left of the batch. Anyone may call
    ///         once deadline and grace are over, and gets the cut.
    function withhold(uint256 caseId, IBatches.Batch calldata batch) external;

    /// @notice Convinces the verifier of a case before the deadline; the receipt passes. Anyone may call.
    function prove(uint256 caseId, IReceipts.Receipt calldata receipt, bytes calldata evidence) external;

    /// @notice Takes the verdict of the committee, or fails a receipt that nobody proved in time. Anyone may call.
    function conclude(uint256 caseId) external;

    /// @notice Executes the verdict of an audit: punishes or not, and releases the batch. Anyone may call.
    function executeAudit(uint256 caseId, IBatches.Batch calldata batch) external;

    /// @notice Executes the verdict of a challenge once the canary window is over: punishes or not, and shares out the bond.
    ///         Anyone may call.
    /// @dev Won or inconclusive, the bond goes back. Lost, it makes six equal parts: one for each judge that revealed, and
    ///      the rest, rounding included, for the operator.
    function executeChallenge(uint256 caseId) external;

    /// @notice Challenges a receipt that an operator signed, against a bond in fee tokens.
    /// @dev A deed is on the docket once at a time, and never again once its receipt passed or was punished. After a canary it
    ///      can be challenged for a whole dispute window more, since nobody else could do so meanwhile.
    function challengeReceipt(IReceipts.Receipt calldata receipt, bytes calldata signature)
        external
        returns (uint256 caseId);

    /// @notice Punishes an operator that signed two different outputs for one request. Anyone may call, without a bond, and
    ///         gets the cut. The payer of the first receipt is refunded.
    function challengeEquivocation(
        IReceipts.Receipt calldata receiptA,
        bytes calldata signatureA,
        IReceipts.Receipt calldata receiptB,
        bytes calldata signatureB
    ) external;

    /// @notice Commits to challenge a receipt that is known to be wrong, so that judges who do not look are found. Restricted.
    /// @param commitment `keccak256(abi.encode(receiptHash, salt))`.
    function plantCanary(bytes32 commitment) external;

    /// @notice Voids the verdict on the caller's own challenge, which it had planted before it challenged: nobody pays, the
    ///         bond goes back, the deed can be challenged by others, and judges who called it right can be punished. Only
    ///         between verdict and execution, and once a deed.
    function revealCanary(uint256 caseId, bytes32 salt) external;

    /// @notice Punishes a judge of a decided case that did not commit and reveal, or that called a canary right. Anyone may
    ///         call.
    function punishJudge(uint256 caseId, uint8 seat) external;

    /// @notice Pays what was credited to an account. Anyone may call.
    function collect(address account) external returns (uint256 amount);

    /// @notice Changes the parameters of cases opened from now on. Restricted.
    function changeParameters(Parameters calldata parameters_) external;

    /// @notice The parameters in force, and their version.
    function parameters() external view returns (Parameters memory current, uint32 version);

    /// @notice The parameters of a version.
    function parametersOf(uint32 version) external view returns (Parameters memory);

    /// @notice A case; all zero when it does not exist.
    function caseOf(uint256 caseId) external view returns (Case memory);

    /// @notice Cases so far; also the number of the newest.
    function caseCount() external view returns (uint256);

    /// @notice The audit of a batch; zero when it was not drawn for one.
    function auditOf(uint256 batchId) external view returns (uint256 caseId);

    /// @notice The last case in which a receipt was judged; zero when none.
    function docketOf(bytes32 offence) external view returns (uint256 caseId);

    /// @notice Identity of the deed of having signed a wrong receipt.
    function offenceOf(address operator, bytes32 receiptHash) external pure returns (bytes32);

    /// @notice EIP-712 digest of a receipt, in the settlement's domain, that its operator signs.
    function receiptDigest(IReceipts.Receipt calldata receipt) external view returns (bytes32);

    /// @notice True when a path down the tree under `root` ends at the receipt's leaf, at a depth that a complete tree of
    ///         `receiptCount` leaves has: what `answer` asks for besides the signature.
    function isLeafAt(
        bytes32 root,
        uint32 receiptCount,
        bytes32 path,
        IReceipts.Receipt calldata receipt,
        bytes32[] calldata proof
    ) external pure returns (bool);

    /// @notice Open challenges of an operator's receipts.
    function openChallenges(address operator) external view returns (uint256);

    /// @notice A planted canary.
    function canaryOf(bytes32 commitment) external view returns (Canary memory);

    /// @notice Credits that wait for `collect`.
    function credited(address account) external view returns (uint256);
}

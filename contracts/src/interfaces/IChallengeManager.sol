// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IReceipts} from "./IReceipts.sol";

/// @title Challenges of single receipts, proofs of equivocation, and canaries
/// @notice Anybody who holds a signed receipt can challenge it against a bond; it is judged on the `CaseDocket`, whose errors
///         apply. Amounts are fee-token base units; credits wait for `collect`.
interface IChallengeManager {
    /// @param planter Who planted it; zero when nobody.
    /// @param plantedAt Unix seconds.
    struct Canary {
        address planter;
        uint64 plantedAt;
    }

    /// @notice A receipt was challenged.
    event ChallengeOpened(
        address indexed operator,
        uint256 indexed caseId,
        address indexed challenger,
        uint128 bond,
        uint256 principalCap,
        uint32 parametersVersion
    );

    /// @notice Two receipts of one request contradict each other; the operator was punished.
    event EquivocationProved(
        address indexed operator,
        address indexed reporter,
        bytes32 indexed offence,
        bytes32 requestId,
        bytes32 receiptHashA,
        bytes32 receiptHashB
    );

    /// @notice `amount` of a case's bond waits for `account`.
    event BondCredited(address indexed account, uint256 indexed caseId, uint256 amount);

    /// @notice Credits were paid.
    event CreditCollected(address indexed account, uint256 amount);

    /// @notice Somebody committed to challenge a receipt that is known to be wrong.
    event CanaryPlanted(address indexed planter, bytes32 indexed commitment);

    /// @notice A challenge turned out to be a canary: its verdict is void.
    event CanaryRevealed(address indexed planter, uint256 indexed caseId, bytes32 indexed commitment);

    /// @notice Emitted once, at deployment.
    event ChallengeManagerConfigured(address caseDocket);

    error ChallengeManager_ZeroAddress();
    error ChallengeManager_NotChallenge(uint256 caseId);
    error ChallengeManager_ReceiptTooOld(uint64 servedAt, uint256 challengeableUntil);
    error ChallengeManager_AlreadyPunished(bytes32 offence);
    error ChallengeManager_AlreadyOnDocket(bytes32 offence, uint256 caseId);
    error ChallengeManager_TooManyChallenges(address operator, uint256 max);
    error ChallengeManager_NoEquivocation();
    error ChallengeManager_CanaryExists(bytes32 commitment);
    error ChallengeManager_NotCanary(uint256 caseId, bytes32 commitment);
    error ChallengeManager_NothingToClaim(address account);

    /// @notice Challenges a receipt that an operator signed, against a bond in fee tokens.
    /// @dev A deed is on the docket once at a time, and never again once its receipt passed or was punished. After a canary it
    ///      can be challenged for a whole dispute window more, since nobody else could do so meanwhile.
    function challengeReceipt(IReceipts.Receipt calldata receipt, bytes calldata signature)
        external
        returns (uint256 caseId);

    /// @notice Punishes an operator that signed two different outputs for one request of one payer. Anyone may call, without
    ///         a bond, and gets the cut. The payer is refunded the fee of the first receipt.
    /// @dev Payers number their own requests: two that happen to use one number contradict nobody.
    function challengeEquivocation(
        IReceipts.Receipt calldata receiptA,
        bytes calldata signatureA,
        IReceipts.Receipt calldata receiptB,
        bytes calldata signatureB
    ) external;

    /// @notice Executes the verdict of a challenge once the canary window is over: punishes or not, and shares out the bond.
    ///         Anyone may call.
    /// @dev Won or inconclusive, the bond goes back. Lost, it makes six equal parts: one for each judge that revealed, and
    ///      the rest, rounding included, for the operator.
    function executeChallenge(uint256 caseId) external;

    /// @notice Commits to challenge a receipt that is known to be wrong, so that judges who do not look are found. Restricted.
    /// @param commitment `keccak256(abi.encode(receiptHash, salt))`.
    function plantCanary(bytes32 commitment) external;

    /// @notice Voids the verdict on the caller's own challenge, which it had planted before it challenged: nobody pays, the
    ///         bond goes back, the deed can be challenged by others, and judges who called it right can be punished. Only
    ///         between verdict and execution, and once a deed.
    function revealCanary(uint256 caseId, bytes32 salt) external;

    /// @notice Pays what was credited to an account. Anyone may call.
    function collect(address account) external returns (uint256 amount);

    /// @notice Open challenges of an operator's receipts.
    function openChallenges(address operator) external view returns (uint256);

    /// @notice A planted canary.
    function canaryOf(bytes32 commitment) external view returns (Canary memory);

    /// @notice Credits that wait for `collect`.
    function credited(address account) external view returns (uint256);
}

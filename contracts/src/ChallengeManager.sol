// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ICaseDocket} from "./interfaces/ICaseDocket.sol";
import {IChallengeManager} from "./interfaces/IChallengeManager.sol";
import {IFaults} from "./interfaces/IFaults.sol";
import {IJudgeCommittee} from "./interfaces/IJudgeCommittee.sol";
import {IReceipts} from "./interfaces/IReceipts.sol";
import {IVerdicts} from "./interfaces/IVerdicts.sol";
import {ExactTransfer} from "./libraries/ExactTransfer.sol";
import {Offence} from "./libraries/Offence.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title ChallengeManager
/// @notice Behaviour, units and errors are documented on `IChallengeManager`.
contract ChallengeManager is IChallengeManager, AccessManaged, ReentrancyGuardTransient {
    using ExactTransfer for IERC20;
    using SafeERC20 for IERC20;

    ICaseDocket public immutable CASE_DOCKET;
    IFaults private immutable _FAULTS;
    IJudgeCommittee private immutable _JUDGE_COMMITTEE;
    IERC20 private immutable _FEE_TOKEN;
    uint256 private immutable _BOND_PARTS;

    mapping(address operator => uint256) private _openChallenges;
    /// @dev From when the dispute window of a deed counts anew, after a canary had kept everybody else away from it.
    mapping(bytes32 offence => uint64) private _freedAt;
    mapping(bytes32 commitment => Canary) private _canaries;
    mapping(address account => uint256) private _credits;

    /// @dev Everything else is what the docket works with.
    constructor(address manager, ICaseDocket caseDocket) AccessManaged(manager) {
        require(address(caseDocket) != address(0), ChallengeManager_ZeroAddress());
        ICaseDocket.System memory system = caseDocket.system();
        CASE_DOCKET = caseDocket;
        _FAULTS = system.faults;
        _JUDGE_COMMITTEE = system.judgeCommittee;
        _FEE_TOKEN = IERC20(system.settlement.FEE_TOKEN());
        _BOND_PARTS = caseDocket.BOND_PARTS();
        emit ChallengeManagerConfigured(address(caseDocket));
    }

    /// @inheritdoc IChallengeManager
    function challengeReceipt(IReceipts.Receipt calldata receipt, bytes calldata signature)
        external
        nonReentrant
        returns (uint256 caseId)
    {
        (address operator,, bytes32 receiptHash) = CASE_DOCKET.authenticate(receipt, signature);
        (ICaseDocket.Parameters memory current,) = CASE_DOCKET.parameters();
        _requireChallengeable(CASE_DOCKET.offenceOf(operator, receiptHash), receipt.servedAt, current.disputeWindow);
        require(
            _openChallenges[operator] < current.maxChallenges,
            ChallengeManager_TooManyChallenges(operator, current.maxChallenges)
        );
        ++_openChallenges[operator];
        ICaseDocket.Case memory case_;
        (caseId, case_) = CASE_DOCKET.open(operator, msg.sender);
        emit ChallengeOpened(operator, caseId, msg.sender, case_.bond, case_.principalCap, case_.parametersVersion);
        CASE_DOCKET.judge(caseId, receipt, signature);
        _FEE_TOKEN.pullExact(msg.sender, case_.bond);
    }

    /// @inheritdoc IChallengeManager
    function challengeEquivocation(
        IReceipts.Receipt calldata receiptA,
        bytes calldata signatureA,
        IReceipts.Receipt calldata receiptB,
        bytes calldata signatureB
    ) external nonReentrant {
        require(
            receiptA.requestId == receiptB.requestId && receiptA.payer == receiptB.payer
                && receiptA.outputHash != receiptB.outputHash,
            ChallengeManager_NoEquivocation()
        );
        (address operator,, bytes32 hashA) = CASE_DOCKET.authenticate(receiptA, signatureA);
        (address other, address signer, bytes32 hashB) = CASE_DOCKET.authenticate(receiptB, signatureB);
        require(other == operator, ICaseDocket.CaseDocket_InvalidReceipt(signer, operator));
        bytes32 offence = Offence.id(IFaults.Fault.Equivocation, operator, receiptA.requestId);
        require(!_FAULTS.isPunished(offence), ChallengeManager_AlreadyPunished(offence));
        emit EquivocationProved(operator, msg.sender, offence, receiptA.requestId, hashA, hashB);
        CASE_DOCKET.punishEquivocation(operator, receiptA, msg.sender);
    }

    /// @inheritdoc IChallengeManager
    function executeChallenge(uint256 caseId) external nonReentrant {
        ICaseDocket.Case memory case_ = _decidedChallenge(caseId);
        require(block.timestamp >= case_.deadline, ICaseDocket.CaseDocket_TooEarly(caseId, case_.deadline));
        --_openChallenges[case_.operator];
        if (case_.verdict == IVerdicts.Verdict.Passed) _forfeit(caseId, case_);
        else _creditBond(caseId, case_.challenger, case_.bond);
        CASE_DOCKET.close(caseId, case_.challenger);
    }

    /// @inheritdoc IChallengeManager
    function plantCanary(bytes32 commitment) external restricted {
        require(_canaries[commitment].planter == address(0), ChallengeManager_CanaryExists(commitment));
        _canaries[commitment] = Canary({planter: msg.sender, plantedAt: uint64(block.timestamp)});
        emit CanaryPlanted(msg.sender, commitment);
    }

    /// @inheritdoc IChallengeManager
    function revealCanary(uint256 caseId, bytes32 salt) external nonReentrant {
        ICaseDocket.Case memory case_ = _decidedChallenge(caseId);
        require(block.timestamp < case_.deadline, ICaseDocket.CaseDocket_DeadlinePassed(caseId, case_.deadline));
        bytes32 commitment = keccak256(abi.encode(case_.receiptHash, salt));
        Canary memory canary = _canaries[commitment];
        // Once a deed, else its planter could keep it on the docket until nobody can challenge it any more.
        require(
            msg.sender == case_.challenger && msg.sender == canary.planter && canary.plantedAt < case_.openedAt
                && _freedAt[case_.offence] == 0,
            ChallengeManager_NotCanary(caseId, commitment)
        );
        --_openChallenges[case_.operator];
        _freedAt[case_.offence] = uint64(block.timestamp);
        _creditBond(caseId, case_.challenger, case_.bond);
        emit CanaryRevealed(msg.sender, caseId, commitment);
        CASE_DOCKET.void(caseId);
    }

    /// @inheritdoc IChallengeManager
    function collect(address account) external nonReentrant returns (uint256 amount) {
        amount = _credits[account];
        require(amount != 0, ChallengeManager_NothingToClaim(account));
        _credits[account] = 0;
        emit CreditCollected(account, amount);
        _FEE_TOKEN.safeTransfer(account, amount);
    }

    /// @inheritdoc IChallengeManager
    function openChallenges(address operator) external view returns (uint256) {
        return _openChallenges[operator];
    }

    /// @inheritdoc IChallengeManager
    function canaryOf(bytes32 commitment) external view returns (Canary memory) {
        return _canaries[commitment];
    }

    /// @inheritdoc IChallengeManager
    function credited(address account) external view returns (uint256) {
        return _credits[account];
    }

    /// @dev The bond of a challenge that was lost.
    function _forfeit(uint256 caseId, ICaseDocket.Case memory case_) private {
        uint256 part = case_.bond / _BOND_PARTS;
        uint256 rest = case_.bond;
        uint256 seats = _JUDGE_COMMITTEE.committeeOf(caseId).seats;
        for (uint256 i = 0; i < seats; ++i) {
            // A committee has five seats.
            // forge-lint: disable-next-line(unsafe-typecast)
            IJudgeCommittee.Seat memory judge = _JUDGE_COMMITTEE.seatOf(caseId, uint8(i));
            if (judge.outputHash == bytes32(0)) continue;
            rest -= part;
            _creditBond(caseId, judge.member, part);
        }
        _creditBond(caseId, case_.operator, rest);
    }

    function _creditBond(uint256 caseId, address account, uint256 amount) private {
        _credits[account] += amount;
        emit BondCredited(account, caseId, amount);
    }

    function _requireChallengeable(bytes32 offence, uint64 servedAt, uint256 disputeWindow) private view {
        require(!_FAULTS.isPunished(offence), ChallengeManager_AlreadyPunished(offence));
        uint256 earlier = CASE_DOCKET.docketOf(offence);
        ICaseDocket.Case memory case_ = CASE_DOCKET.caseOf(earlier);
        require(
            earlier == 0 || (case_.stage == ICaseDocket.Stage.Closed && case_.verdict != IVerdicts.Verdict.Passed),
            ChallengeManager_AlreadyOnDocket(offence, earlier)
        );
        uint256 until = Math.max(servedAt, _freedAt[offence]) + disputeWindow;
        require(block.timestamp < until, ChallengeManager_ReceiptTooOld(servedAt, until));
    }

    function _decidedChallenge(uint256 caseId) private view returns (ICaseDocket.Case memory case_) {
        case_ = CASE_DOCKET.caseIn(caseId, ICaseDocket.Stage.Decided);
        require(case_.challenger != address(0), ChallengeManager_NotChallenge(caseId));
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IAuditManager} from "../interfaces/IAuditManager.sol";
import {IFaults} from "../interfaces/IFaults.sol";
import {IJudgeCommittee} from "../interfaces/IJudgeCommittee.sol";
import {IReceipts} from "../interfaces/IReceipts.sol";
import {ExactTransfer} from "../libraries/ExactTransfer.sol";
import {Docket} from "./Docket.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Challenges
/// @notice Bonded challenges, proofs of equivocation, canaries, and what bonds become.
abstract contract Challenges is Docket, ReentrancyGuardTransient {
    using ExactTransfer for IERC20;
    using SafeERC20 for IERC20;

    mapping(address operator => uint256) private _openChallenges;
    /// @dev From when the dispute window of a deed counts anew, after a canary had kept everybody else away from it.
    mapping(bytes32 offence => uint64) private _freedAt;
    mapping(bytes32 commitment => Canary) private _canaries;
    mapping(address account => uint256) private _credits;

    /// @inheritdoc IAuditManager
    function challengeReceipt(IReceipts.Receipt calldata receipt, bytes calldata signature)
        external
        nonReentrant
        returns (uint256 caseId)
    {
        (address operator, address signer, bytes32 receiptHash) = _authenticate(receipt, signature, address(0));
        Case storage case_;
        (caseId, case_) = _open(operator);
        Parameters memory kept = _parametersOf(case_);
        _requireChallengeable(offenceOf(operator, receiptHash), receipt.servedAt, kept.disputeWindow);
        require(
            _openChallenges[operator] < kept.maxChallenges, AuditManager_TooManyChallenges(operator, kept.maxChallenges)
        );
        ++_openChallenges[operator];
        case_.challenger = msg.sender;
        case_.bond = kept.bond;
        _docket[offenceOf(operator, receiptHash)] = caseId;
        _keepTerms(caseId, IFaults.Fault.WrongOutput);
        _keepTerms(caseId, IFaults.Fault.Unrevealed);
        _keepTerms(caseId, IFaults.Fault.FalseReport);
        emit ChallengeOpened(operator, caseId, msg.sender, kept.bond, case_.principalCap, case_.parametersVersion);
        _judge(caseId, case_, receipt, signer, receiptHash);
        _FEE_TOKEN.pullExact(msg.sender, kept.bond);
    }

    /// @inheritdoc IAuditManager
    function challengeEquivocation(
        IReceipts.Receipt calldata receiptA,
        bytes calldata signatureA,
        IReceipts.Receipt calldata receiptB,
        bytes calldata signatureB
    ) external nonReentrant {
        require(
            receiptA.requestId == receiptB.requestId && receiptA.outputHash != receiptB.outputHash,
            AuditManager_NoEquivocation()
        );
        (address operator,, bytes32 hashA) = _authenticate(receiptA, signatureA, address(0));
        (,, bytes32 hashB) = _authenticate(receiptB, signatureB, operator);
        _punishEquivocation(operator, receiptA, hashA, hashB);
    }

    /// @inheritdoc IAuditManager
    function executeChallenge(uint256 caseId) external nonReentrant {
        Case storage case_ = _decidedChallenge(caseId);
        require(block.timestamp >= case_.deadline, AuditManager_TooEarly(caseId, case_.deadline));
        --_openChallenges[case_.operator];
        if (case_.verdict == Verdict.Passed) _forfeit(caseId, case_);
        else _creditBond(caseId, case_.challenger, case_.bond);
        _close(caseId, case_, IFaults.Fault.WrongOutput, case_.challenger);
    }

    /// @inheritdoc IAuditManager
    function plantCanary(bytes32 commitment) external restricted {
        require(_canaries[commitment].planter == address(0), AuditManager_CanaryExists(commitment));
        _canaries[commitment] = Canary({planter: msg.sender, plantedAt: uint64(block.timestamp)});
        emit CanaryPlanted(msg.sender, commitment);
    }

    /// @inheritdoc IAuditManager
    function revealCanary(uint256 caseId, bytes32 salt) external nonReentrant {
        Case storage case_ = _decidedChallenge(caseId);
        require(block.timestamp < case_.deadline, AuditManager_DeadlinePassed(caseId, case_.deadline));
        bytes32 commitment = keccak256(abi.encode(case_.receiptHash, salt));
        Canary memory canary = _canaries[commitment];
        // Once a deed, else its planter could keep it on the docket until nobody can challenge it any more.
        require(
            msg.sender == case_.challenger && msg.sender == canary.planter && canary.plantedAt < case_.openedAt
                && _freedAt[case_.offence] == 0,
            AuditManager_NotCanary(caseId, commitment)
        );
        case_.verdict = Verdict.Voided;
        --_openChallenges[case_.operator];
        _freedAt[case_.offence] = uint64(block.timestamp);
        _creditBond(caseId, case_.challenger, case_.bond);
        emit CanaryRevealed(msg.sender, caseId, commitment);
        _close(caseId, case_, IFaults.Fault.WrongOutput, address(0));
    }

    /// @inheritdoc IAuditManager
    function punishJudge(uint256 caseId, uint8 seat) external nonReentrant {
        Case storage case_ = _cases[caseId];
        require(
            case_.stage == Stage.Decided || case_.stage == Stage.Closed, AuditManager_WrongStage(caseId, case_.stage)
        );
        IJudgeCommittee.Seat memory judge = JUDGE_COMMITTEE.seatOf(caseId, seat);
        if (judge.outputHash == bytes32(0)) return _punishJudge(caseId, IFaults.Fault.Unrevealed, judge);
        require(
            case_.verdict == Verdict.Voided && judge.outputHash == JUDGE_COMMITTEE.committeeOf(caseId).brief.outputHash,
            AuditManager_NotAtFault(caseId, seat)
        );
        _punishJudge(caseId, IFaults.Fault.FalseReport, judge);
    }

    /// @inheritdoc IAuditManager
    function collect(address account) external nonReentrant returns (uint256 amount) {
        amount = _credits[account];
        require(amount != 0, AuditManager_NothingToClaim(account));
        _credits[account] = 0;
        emit CreditCollected(account, amount);
        _FEE_TOKEN.safeTransfer(account, amount);
    }

    /// @inheritdoc IAuditManager
    function openChallenges(address operator) external view returns (uint256) {
        return _openChallenges[operator];
    }

    /// @inheritdoc IAuditManager
    function canaryOf(bytes32 commitment) external view returns (Canary memory) {
        return _canaries[commitment];
    }

    /// @inheritdoc IAuditManager
    function credited(address account) external view returns (uint256) {
        return _credits[account];
    }

    /// @dev It proves itself: there is nothing to judge, and no case to open.
    function _punishEquivocation(address operator, IReceipts.Receipt calldata receipt, bytes32 hashA, bytes32 hashB)
        private
    {
        bytes32 offence = _offence(IFaults.Fault.Equivocation, operator, receipt.requestId);
        require(!FAULTS.isPunished(offence), AuditManager_AlreadyPunished(offence));
        emit EquivocationProved(operator, msg.sender, offence, receipt.requestId, hashA, hashB);
        STRESS_GAUGE.recordOpened();
        STRESS_GAUGE.recordClosed(true);
        FAULTS.punish(
            IFaults.Punishment({
                fault: IFaults.Fault.Equivocation,
                operator: operator,
                offence: offence,
                terms: FAULTS.terms(IFaults.Fault.Equivocation),
                principalCap: STAKE_VAULT.slashable(operator),
                beneficiary: msg.sender,
                victim: receipt.payer,
                refund: _refund(receipt.payer, operator, receipt.modelId, receipt.fee)
            })
        );
    }

    /// @dev The bond of a challenge that was lost.
    function _forfeit(uint256 caseId, Case storage case_) private {
        uint256 part = case_.bond / BOND_PARTS;
        uint256 rest = case_.bond;
        uint256 seats = JUDGE_COMMITTEE.committeeOf(caseId).seats;
        for (uint256 i = 0; i < seats; ++i) {
            // A committee has five seats.
            // forge-lint: disable-next-line(unsafe-typecast)
            IJudgeCommittee.Seat memory judge = JUDGE_COMMITTEE.seatOf(caseId, uint8(i));
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
        require(!FAULTS.isPunished(offence), AuditManager_AlreadyPunished(offence));
        uint256 earlier = _docket[offence];
        Case storage case_ = _cases[earlier];
        require(
            earlier == 0 || (case_.stage == Stage.Closed && case_.verdict != Verdict.Passed),
            AuditManager_AlreadyOnDocket(offence, earlier)
        );
        uint256 until = Math.max(servedAt, _freedAt[offence]) + disputeWindow;
        require(block.timestamp < until, AuditManager_ReceiptTooOld(servedAt, until));
    }

    function _decidedChallenge(uint256 caseId) private view returns (Case storage case_) {
        case_ = _inStage(caseId, Stage.Decided);
        require(case_.challenger != address(0), AuditManager_NotChallenge(caseId));
    }
}

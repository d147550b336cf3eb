// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IFaults} from "../../src/interfaces/IFaults.sol";
import {IJudgeCommittee} from "../../src/interfaces/IJudgeCommittee.sol";
import {IReceipts} from "../../src/interfaces/IReceipts.sol";
import {AuditBase} from "../AuditBase.t.sol";

/// @notice Attack: a judge does no work. It commits what another committed, and reveals what that one reveals.
contract JudgeCopiesCommitTest is AuditBase {
    function test_ACopiedCommitmentCannotBeRevealed() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedChallenge();
        _commit(caseId, 0, receipt.outputHash);
        bytes32 copied = judges.seatOf(caseId, 0).commitment;
        address lazy = judges.seatOf(caseId, 1).member;
        vm.prank(lazy);
        judges.commit(caseId, 1, copied);
        _warpTo(judges.committeeOf(caseId).commitUntil);
        judges.reveal(caseId, 0, receipt.outputHash, _salt(0));
        vm.expectRevert(abi.encodeWithSelector(IJudgeCommittee.JudgeCommittee_WrongReveal.selector, caseId, 1));
        judges.reveal(caseId, 1, receipt.outputHash, _salt(0));

        _warpTo(judges.committeeOf(caseId).revealUntil);
        docket.conclude(caseId);
        docket.punishJudge(caseId, 1);
        assertEq(_punishment().operator, lazy);
        assertEq(uint8(_punishment().fault), uint8(IFaults.Fault.Unrevealed));
    }

    /// @dev Nor is a verdict of one case worth anything in another.
    function test_ACommitmentOfAnotherCaseCannotBeRevealed() public {
        (uint256 caseId, IReceipts.Receipt memory receipt) = _judgedChallenge();
        address member = judges.seatOf(caseId, 0).member;
        bytes32 elsewhere = keccak256(abi.encode(caseId + 1, member, receipt.outputHash, _salt(0)));
        vm.prank(member);
        judges.commit(caseId, 0, elsewhere);
        _warpTo(judges.committeeOf(caseId).commitUntil);
        vm.expectRevert(abi.encodeWithSelector(IJudgeCommittee.JudgeCommittee_WrongReveal.selector, caseId, 0));
        judges.reveal(caseId, 0, receipt.outputHash, _salt(0));
    }
}

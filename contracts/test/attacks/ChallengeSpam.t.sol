// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IChallengeManager} from "../../src/interfaces/IChallengeManager.sol";
import {IReceipts} from "../../src/interfaces/IReceipts.sol";
import {AuditBase} from "../AuditBase.t.sol";

/// @notice Attack: bury an operator and its judges under challenges of receipts that are right.
contract ChallengeSpamTest is AuditBase {
    function test_AnOperatorHasOnlySoManyOpenChallenges() public {
        for (uint256 i = 0; i < MAX_CHALLENGES; ++i) {
            _challengeAs(attacker, _receipt(i));
        }
        IReceipts.Receipt memory receipt = _receipt(MAX_CHALLENGES);
        bytes memory signature = _signReceipt(receipt);
        _fund(feeToken, attacker, address(challenges), BOND);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChallengeManager.ChallengeManager_TooManyChallenges.selector, operator, MAX_CHALLENGES
            )
        );
        vm.prank(attacker);
        challenges.challengeReceipt(receipt, signature);
        assertEq(gauge.openCases(), MAX_CHALLENGES);
    }

    /// @dev Every one of them costs the bond, five sixths of which pay those who had the work.
    function test_SpamPaysItsJudgesAndMakesRoomAgain() public {
        uint256 caseId = 0;
        for (uint256 i = 0; i < MAX_CHALLENGES; ++i) {
            caseId = _challengeAs(attacker, _receipt(i));
        }
        _drawJudges(caseId);
        _voteAll(caseId, _receiptHashOf(MAX_CHALLENGES - 1), SEATS);
        _executeChallenge(caseId);
        assertEq(challenges.credited(attacker), 0);
        assertEq(challenges.credited(operator), BOND / 6);
        for (uint8 i = 0; i < SEATS; ++i) {
            assertEq(challenges.credited(judges.seatOf(caseId, i).member), BOND / 6);
        }
        assertEq(challenges.openChallenges(operator), MAX_CHALLENGES - 1);
        _challenge(_receipt(99));
    }

    /// @dev Nor do they keep random audits or proofs of equivocation away, which open no challenge.
    function test_AFullDocketShieldsNobody() public {
        for (uint256 i = 0; i < MAX_CHALLENGES; ++i) {
            _challengeAs(attacker, _receipt(i));
        }
        assertNotEq(_answer(_drawnAudit()).requestId, 0);
        IReceipts.Receipt memory one = _receipt(7);
        IReceipts.Receipt memory other = _receipt(7);
        other.outputHash = WRONG;
        challenges.challengeEquivocation(one, _signReceipt(one), other, _signReceipt(other));
        assertEq(_punishment().operator, operator);
    }

    function _receiptHashOf(uint256 number) private pure returns (bytes32) {
        return keccak256(abi.encode("output", number));
    }
}

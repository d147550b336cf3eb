// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {JudgeCommittee} from "../src/JudgeCommittee.sol";
import {IJudgeCommittee} from "../src/interfaces/IJudgeCommittee.sol";
import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {IRandomness} from "../src/interfaces/IRandomness.sol";
import {IReceipts} from "../src/interfaces/IReceipts.sol";
import {IStakeVault} from "../src/interfaces/IStakeVault.sol";
import {IVerdicts} from "../src/interfaces/IVerdicts.sol";
import {AuditBase} from "./AuditBase.t.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

contract JudgeCommitteeDrawTest is AuditBase {
    function _members(uint256 caseId) private view returns (address[] memory members) {
        members = new address[](judges.committeeOf(caseId).seats);
        for (uint8 i = 0; i < members.length; ++i) {
            members[i] = judges.seatOf(caseId, i).member;
        }
    }

    function _moveTo(address who, bytes32 domain) private {
        vm.prank(who);
        operatorRegistry.changeEndpoint(domain, "https://elsewhere.example");
    }

    function test_ACommitteeIsAskedForWithTheCase() public {
        IReceipts.Receipt memory receipt = _receipt(1);
        IJudgeCommittee.Brief memory brief = IJudgeCommittee.Brief({
            caseId: 1,
            operator: operator,
            challenger: challenger,
            modelId: modelId,
            outputHash: receipt.outputHash,
            exact: true,
            commitWindow: COMMIT_WINDOW,
            revealWindow: REVEAL_WINDOW
        });
        uint64 round = _blockNumber() + DELAY;
        _fund(feeToken, challenger, address(challenges), BOND);
        bytes memory signature = _signReceipt(receipt);
        vm.expectEmit(address(judges));
        emit IJudgeCommittee.CommitteeRequested(1, round, 8, DOMAIN, brief);
        vm.prank(challenger);
        challenges.challengeReceipt(receipt, signature);
        IJudgeCommittee.Committee memory committee = judges.committeeOf(1);
        assertEq(abi.encode(committee.brief), abi.encode(brief));
        assertEq(committee.round, round);
        assertEq(committee.operatorCount, 8);
        assertEq(committee.domain, DOMAIN);
        assertEq(uint8(judges.verdictOf(1)), uint8(IVerdicts.Verdict.None));
    }

    function testFuzz_FiveDifferentJudgesFromOutsideTheDomain(bytes32 seed) public {
        vm.assume(seed != 0);
        uint256 caseId = _challenge(_receipt(1));
        _record(judges.committeeOf(caseId).round, seed);
        vm.prank(bob);
        assertTrue(judges.draw(caseId));
        address[] memory members = _members(caseId);
        assertEq(members.length, SEATS);
        for (uint8 i = 0; i < SEATS; ++i) {
            assertNotEq(members[i], operator);
            assertEq(judges.seatOf(caseId, i).cap, OWN_STAKE);
            for (uint256 j = 0; j < i; ++j) {
                assertNotEq(members[i], members[j]);
            }
        }
        assertEq(judges.committeeOf(caseId).commitUntil, _now() + COMMIT_WINDOW);
        assertEq(judges.committeeOf(caseId).revealUntil, _now() + COMMIT_WINDOW + REVEAL_WINDOW);
    }

    /// @dev Of eight: the accused, its neighbour, the accuser, one that is jailed, one that serves something else.
    function test_OnlyTheEligibleJudge() public {
        _moveTo(operators[1], DOMAIN);
        vm.prank(address(slasher));
        operatorRegistry.jail(operators[3], _now() + 1);
        vm.prank(operators[4]);
        operatorRegistry.stopServing(modelId);
        uint256 caseId = _challengeAs(operators[2], _receipt(1));
        _drawJudges(caseId);
        address[] memory members = _members(caseId);
        assertEq(members.length, 3);
        for (uint256 i = 0; i < 3; ++i) {
            assertTrue(members[i] == operators[5] || members[i] == operators[6] || members[i] == operators[7]);
        }
    }

    function test_FewerThanThreeJudgeNothing() public {
        for (uint256 i = 1; i <= 5; ++i) {
            _moveTo(operators[i], DOMAIN);
        }
        uint256 caseId = _challenge(_receipt(1));
        bytes32 seed = keccak256("seed");
        _record(judges.committeeOf(caseId).round, seed);
        vm.expectEmit(address(judges));
        emit IJudgeCommittee.JudgesDrawn(
            caseId, keccak256(abi.encode(seed, caseId, judges)), new address[](0), new uint96[](0), 0, 0
        );
        judges.draw(caseId);
        assertEq(uint8(judges.verdictOf(caseId)), uint8(IVerdicts.Verdict.Inconclusive));
        docket.conclude(caseId);
        vm.expectRevert(abi.encodeWithSelector(IJudgeCommittee.JudgeCommittee_SeatUnknown.selector, caseId, 0));
        docket.punishJudge(caseId, 0);
        _executeChallenge(caseId);
        assertEq(challenges.credited(challenger), BOND);
    }

    /// @dev Neither its own domain nor the number of operators can be changed once the seed is known.
    function test_WhoIsDrawnFromIsFixedBeforeTheSeed() public {
        uint256 caseId = _challenge(_receipt(1));
        _record(judges.committeeOf(caseId).round, keccak256("seed"));
        uint256 snapshot = vm.snapshotState();
        judges.draw(caseId);
        bytes memory drawn = abi.encode(_members(caseId));
        vm.revertToState(snapshot);
        _moveTo(operator, JUDGES_DOMAIN);
        for (uint256 i = 0; i < 5; ++i) {
            _registerJudge(string.concat("late judge ", vm.toString(i)));
        }
        judges.draw(caseId);
        assertEq(abi.encode(_members(caseId)), drawn);
    }

    function test_ALostSeedIsReplaced() public {
        uint256 caseId = _challenge(_receipt(1));
        _expire(judges.committeeOf(caseId).round);
        uint64 round = _blockNumber() + DELAY;
        vm.expectEmit(address(judges));
        emit IJudgeCommittee.CommitteeReseeded(caseId, round);
        assertFalse(judges.draw(caseId));
        assertFalse(judges.committeeOf(caseId).drawn);
        _drawJudges(caseId);
        assertTrue(judges.committeeOf(caseId).drawn);
    }

    function test_RevertWhen_TheSeedIsNotKnown() public {
        uint256 caseId = _challenge(_receipt(1));
        vm.expectRevert(
            abi.encodeWithSelector(IJudgeCommittee.JudgeCommittee_SeedPending.selector, caseId, _blockNumber() + DELAY)
        );
        judges.draw(caseId);
    }

    function test_RevertWhen_ItWasNotAskedFor() public {
        vm.expectRevert(abi.encodeWithSelector(IJudgeCommittee.JudgeCommittee_NotRequested.selector, 1));
        judges.draw(1);
    }

    function test_RevertWhen_ItIsDrawnTwice() public {
        (uint256 caseId,) = _judgedChallenge();
        vm.expectRevert(abi.encodeWithSelector(IJudgeCommittee.JudgeCommittee_AlreadyDrawn.selector, caseId));
        judges.draw(caseId);
    }

    function test_RevertWhen_SomebodyElseAsks() public {
        IJudgeCommittee.Brief memory brief;
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, attacker));
        vm.prank(attacker);
        judges.request(brief);
    }

    function test_RevertWhen_ItIsAskedForTwice() public {
        uint256 caseId = _challenge(_receipt(1));
        IJudgeCommittee.Brief memory brief = judges.committeeOf(caseId).brief;
        vm.expectRevert(abi.encodeWithSelector(IJudgeCommittee.JudgeCommittee_AlreadyRequested.selector, caseId));
        vm.prank(address(docket));
        judges.request(brief);
    }

    function create(IOperatorRegistry operators_, IStakeVault vault_, IRandomness randomness_)
        external
        returns (JudgeCommittee)
    {
        return new JudgeCommittee(address(accessManager), operators_, vault_, randomness_);
    }

    function test_RevertWhen_SomethingIsMissingAtDeployment() public {
        vm.expectRevert(IJudgeCommittee.JudgeCommittee_ZeroAddress.selector);
        this.create(IOperatorRegistry(address(0)), vault, randomness);
        vm.expectRevert(IJudgeCommittee.JudgeCommittee_ZeroAddress.selector);
        this.create(operatorRegistry, IStakeVault(address(0)), randomness);
        vm.expectRevert(IJudgeCommittee.JudgeCommittee_ZeroAddress.selector);
        this.create(operatorRegistry, vault, IRandomness(address(0)));
    }
}

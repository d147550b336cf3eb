// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ICaseDocket} from "../src/interfaces/ICaseDocket.sol";
import {IJudgeCommittee} from "../src/interfaces/IJudgeCommittee.sol";
import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {IReceipts} from "../src/interfaces/IReceipts.sol";
import {IVerdicts} from "../src/interfaces/IVerdicts.sol";
import {AuditBase} from "./AuditBase.t.sol";

contract JudgeCommitteeVerdictTest is AuditBase {
    uint256 private _caseId;
    IReceipts.Receipt private _judged;

    function setUp() public override {
        super.setUp();
        vm.prank(publisher);
        modelRegistry.publishVersion(modelId, "weights", IModelRegistry.Mode.Tolerance, 0, "ipfs://tolerant");
    }

    function _begin(uint32 version) private {
        _judged = _receipt(1);
        _judged.version = version;
        _caseId = _challenge(_judged);
        _drawJudges(_caseId);
    }

    function _verdict() private view returns (IVerdicts.Verdict) {
        return judges.verdictOf(_caseId);
    }

    /// @dev The outputs are the receipt's (`R`), made-up ones (`A` to `E`), or none (`-`).
    function _assertVerdict(uint32 version, string memory votes, IVerdicts.Verdict expected) private {
        uint256 snapshot = vm.snapshotState();
        _begin(version);
        bytes memory letters = bytes(votes);
        for (uint8 i = 0; i < SEATS; ++i) {
            if (letters[i] != "-") _commit(_caseId, i, _output(letters[i]));
        }
        _warpTo(judges.committeeOf(_caseId).commitUntil);
        for (uint8 i = 0; i < SEATS; ++i) {
            if (letters[i] != "-") judges.reveal(_caseId, i, _output(letters[i]), _salt(i));
        }
        _warpTo(judges.committeeOf(_caseId).revealUntil);
        assertEq(uint8(_verdict()), uint8(expected), votes);
        docket.conclude(_caseId);
        _assertStage(_caseId, ICaseDocket.Stage.Decided, expected);
        vm.revertToState(snapshot);
    }

    function _output(bytes1 letter) private view returns (bytes32) {
        return letter == "R" ? _judged.outputHash : keccak256(abi.encode(letter));
    }

    function test_ThreeEqualVotesDecideWhereOutputsAreExact() public {
        _assertVerdict(1, "RRRRR", IVerdicts.Verdict.Passed);
        _assertVerdict(1, "RARBR", IVerdicts.Verdict.Passed);
        _assertVerdict(1, "RRR--", IVerdicts.Verdict.Passed);
        _assertVerdict(1, "AAAAA", IVerdicts.Verdict.Failed);
        _assertVerdict(1, "ARABA", IVerdicts.Verdict.Failed);
        _assertVerdict(1, "--AAA", IVerdicts.Verdict.Failed);
        _assertVerdict(1, "RRAAB", IVerdicts.Verdict.Inconclusive);
        _assertVerdict(1, "ABCDE", IVerdicts.Verdict.Inconclusive);
        _assertVerdict(1, "AABBC", IVerdicts.Verdict.Inconclusive);
        _assertVerdict(1, "RR---", IVerdicts.Verdict.Inconclusive);
        _assertVerdict(1, "-----", IVerdicts.Verdict.Inconclusive);
    }

    function test_ThreeThatAreOutOfBoundsDecideWhereThereIsTolerance() public {
        _assertVerdict(2, "RRRAB", IVerdicts.Verdict.Passed);
        _assertVerdict(2, "ABCDE", IVerdicts.Verdict.Failed);
        _assertVerdict(2, "AABRR", IVerdicts.Verdict.Failed);
        _assertVerdict(2, "RRAB-", IVerdicts.Verdict.Inconclusive);
        _assertVerdict(2, "AB---", IVerdicts.Verdict.Inconclusive);
    }

    function test_AVerdictIsEarlyWhenAllHaveRevealed() public {
        _begin(1);
        for (uint8 i = 0; i < SEATS; ++i) {
            _commit(_caseId, i, WRONG);
        }
        for (uint8 i = 0; i < SEATS; ++i) {
            assertEq(uint8(_verdict()), uint8(IVerdicts.Verdict.None));
            vm.expectRevert(abi.encodeWithSelector(ICaseDocket.CaseDocket_NotDecided.selector, _caseId));
            docket.conclude(_caseId);
            vm.expectEmit(address(judges));
            emit IJudgeCommittee.VerdictRevealed(judges.seatOf(_caseId, i).member, _caseId, i, WRONG);
            judges.reveal(_caseId, i, WRONG, _salt(i));
        }
        assertEq(uint8(_verdict()), uint8(IVerdicts.Verdict.Failed));
    }

    function test_ASettlerCommitsForItsOperator() public {
        _begin(1);
        address member = judges.seatOf(_caseId, 0).member;
        vm.expectEmit(address(judges));
        emit IJudgeCommittee.VerdictCommitted(member, _caseId, 0, "commitment");
        vm.prank(settlerOf[member]);
        judges.commit(_caseId, 0, "commitment");
        assertEq(judges.seatOf(_caseId, 0).commitment, "commitment");
        assertEq(judges.committeeOf(_caseId).commits, 1);
    }

    function test_RevertWhen_TheCommitterIsNotTheMember() public {
        _begin(1);
        address member = judges.seatOf(_caseId, 0).member;
        address other = judges.seatOf(_caseId, 1).member;
        vm.expectRevert(abi.encodeWithSelector(IJudgeCommittee.JudgeCommittee_NotMember.selector, other, member));
        vm.prank(other);
        judges.commit(_caseId, 0, "commitment");
    }

    function test_RevertWhen_TheSeatIsUnknown() public {
        _begin(1);
        vm.expectRevert(abi.encodeWithSelector(IJudgeCommittee.JudgeCommittee_SeatUnknown.selector, _caseId, SEATS));
        judges.commit(_caseId, uint8(SEATS), "commitment");
    }

    function test_RevertWhen_TheCommitteeIsNotDrawn() public {
        uint256 caseId = _challenge(_receipt(1));
        vm.expectRevert(abi.encodeWithSelector(IJudgeCommittee.JudgeCommittee_NotDrawn.selector, caseId));
        judges.commit(caseId, 0, "commitment");
        vm.expectRevert(abi.encodeWithSelector(IJudgeCommittee.JudgeCommittee_NotDrawn.selector, caseId));
        judges.reveal(caseId, 0, WRONG, "salt");
    }

    function test_RevertWhen_NothingIsCommitted() public {
        _begin(1);
        address member = judges.seatOf(_caseId, 0).member;
        vm.expectRevert(IJudgeCommittee.JudgeCommittee_EmptyHash.selector);
        vm.prank(member);
        judges.commit(_caseId, 0, 0);
    }

    function test_RevertWhen_AJudgeCommitsTwice() public {
        _begin(1);
        _commit(_caseId, 0, WRONG);
        address member = judges.seatOf(_caseId, 0).member;
        vm.expectRevert(abi.encodeWithSelector(IJudgeCommittee.JudgeCommittee_AlreadyCommitted.selector, _caseId, 0));
        vm.prank(member);
        judges.commit(_caseId, 0, "another");
    }

    function test_RevertWhen_CommitsAreClosed() public {
        _begin(1);
        uint64 closedAt = judges.committeeOf(_caseId).commitUntil;
        address member = judges.seatOf(_caseId, 0).member;
        _warpTo(closedAt);
        vm.expectRevert(
            abi.encodeWithSelector(IJudgeCommittee.JudgeCommittee_CommitsClosed.selector, _caseId, closedAt)
        );
        vm.prank(member);
        judges.commit(_caseId, 0, "commitment");
    }

    /// @dev Who sees a verdict before it commits its own need not do the work.
    function test_RevertWhen_SomebodyCanStillCommit() public {
        _begin(1);
        for (uint8 i = 0; i < SEATS - 1; ++i) {
            _commit(_caseId, i, WRONG);
        }
        vm.expectRevert(
            abi.encodeWithSelector(IJudgeCommittee.JudgeCommittee_CommitsOpen.selector, _caseId, _now() + COMMIT_WINDOW)
        );
        judges.reveal(_caseId, 0, WRONG, _salt(0));
    }

    function test_RevertWhen_RevealsAreClosed() public {
        _begin(1);
        _commit(_caseId, 0, WRONG);
        uint64 closedAt = judges.committeeOf(_caseId).revealUntil;
        _warpTo(closedAt);
        vm.expectRevert(
            abi.encodeWithSelector(IJudgeCommittee.JudgeCommittee_RevealsClosed.selector, _caseId, closedAt)
        );
        judges.reveal(_caseId, 0, WRONG, _salt(0));
    }

    function test_RevertWhen_TheRevealIsNotWhatWasCommitted() public {
        _begin(1);
        _commit(_caseId, 0, WRONG);
        _warpTo(judges.committeeOf(_caseId).commitUntil);
        bytes memory reason = abi.encodeWithSelector(IJudgeCommittee.JudgeCommittee_WrongReveal.selector, _caseId, 0);
        vm.expectRevert(reason);
        judges.reveal(_caseId, 0, _judged.outputHash, _salt(0));
        vm.expectRevert(reason);
        judges.reveal(_caseId, 0, WRONG, "other salt");
        vm.expectRevert(IJudgeCommittee.JudgeCommittee_EmptyHash.selector);
        judges.reveal(_caseId, 0, 0, _salt(0));
        vm.expectRevert(abi.encodeWithSelector(IJudgeCommittee.JudgeCommittee_WrongReveal.selector, _caseId, 1));
        judges.reveal(_caseId, 1, WRONG, _salt(1));
    }

    function test_RevertWhen_ItIsRevealedTwice() public {
        _begin(1);
        _commit(_caseId, 0, WRONG);
        _warpTo(judges.committeeOf(_caseId).commitUntil);
        judges.reveal(_caseId, 0, WRONG, _salt(0));
        vm.expectRevert(abi.encodeWithSelector(IJudgeCommittee.JudgeCommittee_AlreadyRevealed.selector, _caseId, 0));
        judges.reveal(_caseId, 0, WRONG, _salt(0));
    }
}

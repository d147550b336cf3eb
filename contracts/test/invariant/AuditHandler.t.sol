// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IBatches} from "../../src/interfaces/IBatches.sol";
import {ICaseDocket} from "../../src/interfaces/ICaseDocket.sol";
import {IRandomness} from "../../src/interfaces/IRandomness.sol";
import {IReceipts} from "../../src/interfaces/IReceipts.sol";
import {IVerdicts} from "../../src/interfaces/IVerdicts.sol";
import {AuditBase} from "../AuditBase.t.sol";

/// @notice Audits and challenges under random use. Each batch has one receipt, so that every leaf can be answered. None of the
///         actions may revert: what cannot be done is not tried.
contract AuditHandler is AuditBase {
    struct Settled {
        uint256 batchId;
        IBatches.Batch batch;
        IReceipts.Receipt receipt;
    }

    Settled[] private _settled;
    uint256 private _number;

    // Actions.

    function settle(uint128 risk) external {
        IReceipts.Receipt memory receipt = _receipt(++_number);
        _openBatch(_leaf(receipt), 1, uint128(bound(risk, 0, 100 ether)));
        _settled.push(Settled({batchId: batchId, batch: batch, receipt: receipt}));
    }

    function cover(uint256 collateral) external {
        batches.cover(operator, bound(collateral, 0, 2 * COLLATERAL), bound(collateral, 0, COLLATERAL));
    }

    function mine(uint256 blocks) external {
        _mine(bound(blocks, 1, 2 * DELAY));
        _skip(1 hours);
    }

    /// @dev Long enough for seeds to be lost, but rarely.
    function wait(uint256 duration) external {
        _skip(uint64(bound(duration, 1 hours, 2 days)));
        if (duration % 8 == 0) _mine(WINDOW);
    }

    function record(uint256 number, bytes32 seed) external {
        if (_settled.length == 0) return;
        _recordIfMined(_one(number).batch.settledBlock + DELAY, seed);
    }

    function draw(uint256 number) external {
        if (_settled.length == 0) return;
        Settled memory one = _one(number);
        if (batches.isBatch(one.batchId, one.batch, true) || auditManager.auditOf(one.batchId) != 0) return;
        (IRandomness.Status status,) = randomness.seed(one.batch.settledBlock + DELAY);
        if (status == IRandomness.Status.Pending) return;
        uint256 caseId = auditManager.draw(one.batchId, one.batch);
        if (status == IRandomness.Status.Expired) assertNotEq(caseId, 0, "a lost seed spares nobody");
    }

    function challenge(bool again) external {
        if (challenges.openChallenges(operator) == MAX_CHALLENGES) return;
        IReceipts.Receipt memory receipt = _receipt(again || _number == 0 ? ++_number : _number);
        if (docket.docketOf(docket.offenceOf(operator, _structHash(receipt))) != 0) return;
        _challenge(receipt);
    }

    /// @dev Takes a case one step further, whatever its stage.
    function advance(uint256 caseSeed, uint256 random) external {
        uint256 count = docket.caseCount();
        if (count == 0) return;
        uint256 caseId = 1 + caseSeed % count;
        ICaseDocket.Case memory case_ = docket.caseOf(caseId);
        if (case_.stage == ICaseDocket.Stage.Seeding) _seed(caseId, auditManager.audit(caseId).round, random);
        else if (case_.stage == ICaseDocket.Stage.Answering) _answerOrWithhold(caseId, case_);
        else if (case_.stage == ICaseDocket.Stage.Judging) _judge(caseId, random);
        else if (case_.stage == ICaseDocket.Stage.Decided) _execute(caseId, case_);
    }

    function collect(uint256 who) external {
        address account = who % 3 == 0 ? challenger : operators[who % operators.length];
        if (challenges.credited(account) != 0) challenges.collect(account);
    }

    // Checks.

    /// @notice Bonds of open challenges and credits are all there, to the base unit.
    function checkMoney() external view {
        uint256 owed = challenges.credited(challenger);
        for (uint256 i = 0; i < operators.length; ++i) {
            owed += challenges.credited(operators[i]);
        }
        uint256 open = 0;
        uint256 challenged = 0;
        for (uint256 caseId = 1; caseId <= docket.caseCount(); ++caseId) {
            ICaseDocket.Case memory case_ = docket.caseOf(caseId);
            if (case_.stage == ICaseDocket.Stage.Closed) continue;
            ++open;
            owed += case_.bond;
            if (case_.challenger != address(0)) ++challenged;
        }
        assertEq(feeToken.balanceOf(address(challenges)), owed, "bonds and credits");
        assertEq(gauge.openCases(), open, "open cases");
        assertEq(challenges.openChallenges(operator), challenged, "open challenges");
        assertLe(challenged, MAX_CHALLENGES, "bounded");
    }

    /// @notice Nothing is released without its seed, nor while it is audited.
    function checkReleases() external view {
        for (uint256 i = 0; i < _settled.length; ++i) {
            Settled memory one = _settled[i];
            bool released = batches.isBatch(one.batchId, one.batch, true);
            uint256 caseId = auditManager.auditOf(one.batchId);
            if (caseId != 0) {
                assertEq(released, docket.caseOf(caseId).stage == ICaseDocket.Stage.Closed, "audited");
            } else if (released) {
                (IRandomness.Status status,) = randomness.seed(one.batch.settledBlock + DELAY);
                assertEq(uint8(status), uint8(IRandomness.Status.Ready), "seeded");
            }
        }
    }

    function _one(uint256 number) private view returns (Settled memory) {
        return _settled[number % _settled.length];
    }

    function _recordIfMined(uint64 round, bytes32 seed) private {
        if (_blockNumber() <= round || _blockNumber() > round + WINDOW || seed == 0) return;
        _record(round, seed);
    }

    function _seed(uint256 caseId, uint64 round, uint256 random) private {
        _recordIfMined(round, keccak256(abi.encode(random)));
        (IRandomness.Status status,) = randomness.seed(round);
        if (status != IRandomness.Status.Pending) auditManager.seedAudit(caseId);
    }

    function _answerOrWithhold(uint256 caseId, ICaseDocket.Case memory case_) private {
        for (uint256 i = 0; i < _settled.length; ++i) {
            Settled memory one = _settled[i];
            if (one.batchId != auditManager.audit(caseId).batchId) continue;
            if (_now() < case_.deadline) {
                auditManager.answer(caseId, one.batch, one.receipt, _signReceipt(one.receipt), new bytes32[](0));
            } else if (_now() >= case_.deadline + GRACE) {
                auditManager.withhold(caseId, one.batch);
            }
        }
    }

    function _judge(uint256 caseId, uint256 random) private {
        if (!judges.committeeOf(caseId).drawn) {
            uint64 round = judges.committeeOf(caseId).round;
            _recordIfMined(round, keccak256(abi.encode(random)));
            (IRandomness.Status status,) = randomness.seed(round);
            if (status != IRandomness.Status.Pending) judges.draw(caseId);
        } else if (_now() < judges.committeeOf(caseId).commitUntil) {
            // The last bits say how many vote; whether for or against, the rest.
            _voteSome(caseId, random % 6, (random >> 8) % 2 == 0);
        } else if (judges.verdictOf(caseId) != IVerdicts.Verdict.None) {
            docket.conclude(caseId);
        }
    }

    function _voteSome(uint256 caseId, uint256 votes, bool right) private {
        bytes32 output = right ? judges.committeeOf(caseId).brief.outputHash : WRONG;
        for (uint8 i = 0; i < votes; ++i) {
            if (judges.seatOf(caseId, i).commitment == 0) _commit(caseId, i, output);
        }
        if (judges.committeeOf(caseId).commits < SEATS) return;
        for (uint8 i = 0; i < SEATS; ++i) {
            bool isRight = judges.seatOf(caseId, i).commitment == _commitment(caseId, i, output);
            if (isRight && judges.seatOf(caseId, i).outputHash == 0) judges.reveal(caseId, i, output, _salt(i));
        }
        if (judges.verdictOf(caseId) != IVerdicts.Verdict.None) docket.conclude(caseId);
    }

    function _execute(uint256 caseId, ICaseDocket.Case memory case_) private {
        if (case_.challenger != address(0)) {
            if (_now() >= case_.deadline) challenges.executeChallenge(caseId);
            return;
        }
        for (uint256 i = 0; i < _settled.length; ++i) {
            if (_settled[i].batchId == auditManager.audit(caseId).batchId) {
                auditManager.executeAudit(caseId, _settled[i].batch);
            }
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ICaseDocket} from "../src/interfaces/ICaseDocket.sol";
import {IFaults} from "../src/interfaces/IFaults.sol";
import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {IReceipts} from "../src/interfaces/IReceipts.sol";
import {IVerdicts} from "../src/interfaces/IVerdicts.sol";
import {AuditBase} from "./AuditBase.t.sol";
import {TestVerifier} from "./audits/TestVerifier.sol";

/// @dev Version 2 of the model is attested, version 3 proved, and a verifier is bound to each.
contract CaseDocketProveTest is AuditBase {
    bytes32 private constant WEIGHTS = "weights of an attested version";

    TestVerifier private _verifier;

    function setUp() public override {
        super.setUp();
        _verifier = new TestVerifier();
        vm.startPrank(publisher);
        modelRegistry.publishVersion(modelId, WEIGHTS, IModelRegistry.Mode.Attested, 0, "ipfs://attested");
        modelRegistry.publishVersion(modelId, WEIGHTS, IModelRegistry.Mode.Proof, 0, "ipfs://proved");
        modelRegistry.publishVersion(modelId, WEIGHTS, IModelRegistry.Mode.Attested, 0, "ipfs://unbound");
        modelRegistry.publishVersion(modelId, WEIGHTS, IModelRegistry.Mode.Tolerance, 0, "ipfs://tolerant");
        for (uint32 version = 2; version <= 5; ++version) {
            if (version != 4) verifiers.bindVerifier(modelId, version, address(_verifier));
        }
        vm.stopPrank();
        _skip(1 hours);
    }

    function _receiptOf(uint32 version) private view returns (IReceipts.Receipt memory receipt) {
        receipt = _receipt(version);
        receipt.version = version;
    }

    function _evidence(IReceipts.Receipt memory receipt) private view returns (bytes memory) {
        return abi.encode(receipt.outputHash, signingKeyOf[operator].addr, WEIGHTS);
    }

    function test_AVerifierThatIsConvincedPassesTheReceipt() public {
        for (uint32 version = 2; version <= 3; ++version) {
            IReceipts.Receipt memory receipt = _receiptOf(version);
            uint256 caseId = _challenge(receipt);
            _assertStage(caseId, ICaseDocket.Stage.Proving, IVerdicts.Verdict.None);
            assertEq(docket.caseOf(caseId).verifier, address(_verifier));
            assertEq(docket.caseOf(caseId).deadline, _now() + PROOF_WINDOW);
            vm.expectEmit(address(docket));
            emit ICaseDocket.CaseDecided(operator, caseId, IVerdicts.Verdict.Passed, _now() + CANARY_WINDOW);
            vm.prank(bob);
            docket.prove(caseId, receipt, _evidence(receipt));
            uint256 before = challenges.credited(operator);
            _executeChallenge(caseId);
            // No judges: all of it is the operator's.
            assertEq(challenges.credited(operator), before + BOND);
        }
    }

    function test_AReceiptThatNobodyProvesFails() public {
        uint256 caseId = _challenge(_receiptOf(2));
        _skip(PROOF_WINDOW - 1);
        vm.expectRevert(abi.encodeWithSelector(ICaseDocket.CaseDocket_TooEarly.selector, caseId, _now() + 1));
        docket.conclude(caseId);
        _skip(1);
        docket.conclude(caseId);
        _assertStage(caseId, ICaseDocket.Stage.Decided, IVerdicts.Verdict.Failed);
        _executeChallenge(caseId);
        assertEq(uint8(_punishment().fault), uint8(IFaults.Fault.WrongOutput));
    }

    /// @dev Without a verifier, with one that was bound later, or with a mode that is not a verifier's.
    function test_TheRestIsForACommittee() public {
        _assertStage(_challenge(_receiptOf(4)), ICaseDocket.Stage.Judging, IVerdicts.Verdict.None);
        _assertStage(_challenge(_receiptOf(5)), ICaseDocket.Stage.Judging, IVerdicts.Verdict.None);
        IReceipts.Receipt memory receipt = _receiptOf(2);
        receipt.servedAt = verifiers.bindingOf(modelId, 2).boundAt - 1;
        uint256 caseId = _challenge(receipt);
        _assertStage(caseId, ICaseDocket.Stage.Judging, IVerdicts.Verdict.None);
        assertTrue(judges.committeeOf(caseId).brief.exact);
        assertFalse(judges.committeeOf(caseId - 1).brief.exact);
    }

    function test_RevertWhen_TheVerifierIsNotConvinced() public {
        IReceipts.Receipt memory receipt = _receiptOf(2);
        uint256 caseId = _challenge(receipt);
        vm.expectRevert(
            abi.encodeWithSelector(ICaseDocket.CaseDocket_NotConvinced.selector, caseId, address(_verifier))
        );
        docket.prove(caseId, receipt, "evidence");
    }

    function test_RevertWhen_TheReceiptIsAnother() public {
        IReceipts.Receipt memory receipt = _receiptOf(2);
        uint256 caseId = _challenge(receipt);
        receipt.outputHash = WRONG;
        vm.expectRevert(
            abi.encodeWithSelector(ICaseDocket.CaseDocket_WrongReceipt.selector, caseId, _structHash(receipt))
        );
        docket.prove(caseId, receipt, _evidence(receipt));
    }

    function test_RevertWhen_TheDeadlineHasPassed() public {
        IReceipts.Receipt memory receipt = _receiptOf(2);
        uint256 caseId = _challenge(receipt);
        uint64 deadline = docket.caseOf(caseId).deadline;
        _warpTo(deadline);
        vm.expectRevert(abi.encodeWithSelector(ICaseDocket.CaseDocket_DeadlinePassed.selector, caseId, deadline));
        docket.prove(caseId, receipt, _evidence(receipt));
    }

    function test_RevertWhen_NoVerifierJudges() public {
        IReceipts.Receipt memory receipt = _receiptOf(4);
        uint256 caseId = _challenge(receipt);
        _expectStage(caseId, ICaseDocket.Stage.Judging);
        docket.prove(caseId, receipt, _evidence(receipt));
    }
}

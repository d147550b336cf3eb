// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ChallengeManager} from "../../src/ChallengeManager.sol";
import {TestToken} from "../../src/TestToken.sol";
import {IReceipts} from "../../src/interfaces/IReceipts.sol";
import {AuditBase} from "../AuditBase.t.sol";
import {Comeback} from "./Comeback.sol";
import {HookToken, ITransferHook} from "./tokens/HookToken.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @notice A challenger that comes back while the token takes its bond.
contract ReentrantChallenger is Comeback, ITransferHook {
    ChallengeManager private immutable CHALLENGES;

    constructor(ChallengeManager challenges, HookToken token) {
        CHALLENGES = challenges;
        token.hook();
        token.approve(address(challenges), type(uint256).max);
    }

    function challenge(IReceipts.Receipt calldata receipt, bytes calldata signature, bytes calldata comeback) external {
        _prepare(comeback);
        CHALLENGES.challengeReceipt(receipt, signature);
    }

    function onTransfer(address, address, uint256) external {
        _comeBackTo(address(CHALLENGES));
    }
}

/// @notice Attack: enter the managers of cases again, from a hook of the token or from what they call.
contract CaseReentrancyTest is AuditBase {
    bytes private constant GUARDED =
        abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);

    function _createFeeToken(TestToken) internal override returns (TestToken) {
        return new HookToken();
    }

    /// @dev Every way into the audits, from the settlement that a batch is released by.
    function test_NoCallEntersTheAuditsAgain() public {
        IReceipts.Receipt memory receipt = _receipt(1);
        bytes[4] memory comebacks = [
            abi.encodeCall(auditManager.draw, (1, batch)),
            abi.encodeCall(auditManager.answer, (1, batch, receipt, "", new bytes32[](0))),
            abi.encodeCall(auditManager.withhold, (1, batch)),
            abi.encodeCall(auditManager.executeAudit, (1, batch))
        ];
        for (uint256 i = 0; i < comebacks.length; ++i) {
            _settleReceipts(RECEIPTS, RISK);
            _record(batch.settledBlock + DELAY, _seedFor(batchId, 0.1e18, false));
            batches.comeBack(comebacks[i]);
            assertEq(auditManager.draw(batchId, batch), 0);
            assertEq(batches.answer(), GUARDED);
        }
    }

    function test_NoCallEntersTheChallengesAgain() public {
        ReentrantChallenger thief = new ReentrantChallenger(challenges, HookToken(address(feeToken)));
        feeToken.mint(address(thief), 10 * BOND);
        IReceipts.Receipt memory receipt = _receipt(100);
        bytes[5] memory comebacks = [
            abi.encodeCall(challenges.challengeReceipt, (receipt, "")),
            abi.encodeCall(challenges.challengeEquivocation, (receipt, "", receipt, "")),
            abi.encodeCall(challenges.executeChallenge, (1)),
            abi.encodeCall(challenges.revealCanary, (1, bytes32(0))),
            abi.encodeCall(challenges.collect, (address(thief)))
        ];
        for (uint256 i = 0; i < comebacks.length; ++i) {
            uint256 before = vm.snapshotState();
            IReceipts.Receipt memory challenged = _receipt(i);
            thief.challenge(challenged, _signReceipt(challenged), comebacks[i]);
            assertEq(thief.answer(), GUARDED);
            vm.revertToState(before);
        }
    }
}

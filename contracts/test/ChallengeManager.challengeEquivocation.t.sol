// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ICaseDocket} from "../src/interfaces/ICaseDocket.sol";
import {IChallengeManager} from "../src/interfaces/IChallengeManager.sol";
import {IFaults} from "../src/interfaces/IFaults.sol";
import {IReceipts} from "../src/interfaces/IReceipts.sol";
import {AuditBase} from "./AuditBase.t.sol";

contract ChallengeManagerChallengeEquivocationTest is AuditBase {
    IReceipts.Receipt private _one;
    IReceipts.Receipt private _other;

    function setUp() public override {
        super.setUp();
        _one = _receipt(1);
        _other = _receipt(1);
        _other.outputHash = WRONG;
    }

    function _challengeBoth() private {
        bytes memory signatureA = _signReceipt(_one);
        bytes memory signatureB = _signReceipt(_other);
        vm.prank(challenger);
        challenges.challengeEquivocation(_one, signatureA, _other, signatureB);
    }

    function test_TwoOutputsForOneRequestArePunishedAtOnce() public {
        batches.payLane(payer.addr, operator, modelId, 10 ether);
        bytes32 offence = keccak256(abi.encode(IFaults.Fault.Equivocation, operator, _one.requestId));
        vm.expectEmit(address(challenges));
        emit IChallengeManager.EquivocationProved(
            operator, challenger, offence, _one.requestId, _structHash(_one), _structHash(_other)
        );
        _challengeBoth();
        IFaults.Punishment memory punishment = _punishment();
        assertEq(uint8(punishment.fault), uint8(IFaults.Fault.Equivocation));
        assertEq(punishment.operator, operator);
        assertEq(punishment.offence, offence);
        assertEq(abi.encode(punishment.terms), abi.encode(_faultTerms(IFaults.Fault.Equivocation)));
        assertEq(punishment.principalCap, OWN_STAKE);
        assertEq(punishment.beneficiary, challenger);
        assertEq(punishment.victim, payer.addr);
        assertEq(punishment.refund, 1 ether);
        assertEq(gauge.openCases(), 0);
        assertEq(gauge.signs().lostDisputes, 10_000);
        assertEq(feeToken.balanceOf(address(challenges)), 0);
    }

    function test_RevertWhen_ItWasPunished() public {
        _challengeBoth();
        bytes32 offence = keccak256(abi.encode(IFaults.Fault.Equivocation, operator, _one.requestId));
        bytes memory signatureA = _signReceipt(_one);
        bytes memory signatureB = _signReceipt(_other);
        vm.expectRevert(abi.encodeWithSelector(IChallengeManager.ChallengeManager_AlreadyPunished.selector, offence));
        challenges.challengeEquivocation(_other, signatureB, _one, signatureA);
    }

    function test_RevertWhen_TheyDoNotContradictEachOther() public {
        bytes memory signatureA = _signReceipt(_one);
        _other.outputHash = _one.outputHash;
        _other.latencyMs = 7;
        bytes memory signatureB = _signReceipt(_other);
        vm.expectRevert(IChallengeManager.ChallengeManager_NoEquivocation.selector);
        challenges.challengeEquivocation(_one, signatureA, _other, signatureB);

        _other = _receipt(2);
        signatureB = _signReceipt(_other);
        vm.expectRevert(IChallengeManager.ChallengeManager_NoEquivocation.selector);
        challenges.challengeEquivocation(_one, signatureA, _other, signatureB);
    }

    /// @dev Payers number their requests themselves: one could number its own as another did, to trap the operator.
    function test_RevertWhen_TwoPayersAsked() public {
        _other.payer = attacker;
        bytes memory signatureA = _signReceipt(_one);
        bytes memory signatureB = _signReceipt(_other);
        vm.expectRevert(IChallengeManager.ChallengeManager_NoEquivocation.selector);
        challenges.challengeEquivocation(_one, signatureA, _other, signatureB);
    }

    /// @dev Nobody answers for what another signed.
    function test_RevertWhen_TwoOperatorsSigned() public {
        bytes memory signatureA = _signReceipt(_one);
        Account memory key = signingKeyOf[operators[1]];
        bytes memory signatureB = _signReceipt(_other, key);
        vm.expectRevert(abi.encodeWithSelector(ICaseDocket.CaseDocket_InvalidReceipt.selector, key.addr, operator));
        challenges.challengeEquivocation(_one, signatureA, _other, signatureB);
        vm.expectRevert(
            abi.encodeWithSelector(
                ICaseDocket.CaseDocket_InvalidReceipt.selector, signingKeyOf[operator].addr, operators[1]
            )
        );
        challenges.challengeEquivocation(_other, signatureB, _one, signatureA);
    }
}

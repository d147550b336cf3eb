// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../src/interfaces/IInferenceSettlement.sol";
import {SettlementBase} from "./SettlementBase.t.sol";

contract InferenceSettlementAuthorizeSignerTest is SettlementBase {
    function test_ASessionKeyIsAuthorized() public {
        bytes memory proof = _signSignerBinding(payer.addr, sessionKey);
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.SignerAuthorized(payer.addr, sessionKey.addr, _now() + 1 days);
        vm.prank(payer.addr);
        settlement.authorizeSigner(sessionKey.addr, _now() + 1 days, proof);
        assertEq(settlement.signer(sessionKey.addr).payer, payer.addr);
        assertEq(settlement.signer(sessionKey.addr).validUntil, _now() + 1 days);
    }

    function test_TheDigestIsTheOneOfTheTypeString() public view {
        assertEq(
            settlement.signerBindingDigest(payer.addr, sessionKey.addr),
            _signerBindingDigest(payer.addr, sessionKey.addr)
        );
    }

    function test_AuthorizingAgainExtendsTheValidity() public {
        _authorize(payer, sessionKey, _now() + 1 days);
        _authorize(payer, sessionKey, _now() + 2 days);
        assertEq(settlement.signer(sessionKey.addr).validUntil, _now() + 2 days);
    }

    function test_RevertWhen_AuthorizingAgainWouldShortenTheValidity() public {
        uint64 current = _now() + 2 days;
        _authorize(payer, sessionKey, current);
        bytes memory proof = _signSignerBinding(payer.addr, sessionKey);
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceSettlement.InferenceSettlement_ValidityShortened.selector, current - 1, current
            )
        );
        vm.prank(payer.addr);
        settlement.authorizeSigner(sessionKey.addr, current - 1, proof);
    }

    function test_RevertWhen_TheValidityIsOver() public {
        bytes memory proof = _signSignerBinding(payer.addr, sessionKey);
        uint64 present = _now();
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_ValidityInPast.selector, present)
        );
        vm.prank(payer.addr);
        settlement.authorizeSigner(sessionKey.addr, present, proof);
    }

    function test_RevertWhen_TheKeyBelongsToAnotherPayer() public {
        _authorize(payer, sessionKey, _now() + 1 days);
        bytes memory proof = _signSignerBinding(secondPayer.addr, sessionKey);
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceSettlement.InferenceSettlement_SignerBound.selector, sessionKey.addr, payer.addr
            )
        );
        vm.prank(secondPayer.addr);
        settlement.authorizeSigner(sessionKey.addr, _now() + 1 days, proof);
    }

    function test_RevertWhen_TheKeyDidNotAgree() public {
        bytes memory proof = _sign(payer.key, _signerBindingDigest(payer.addr, sessionKey.addr));
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceSettlement.InferenceSettlement_InvalidSignerProof.selector, sessionKey.addr, payer.addr
            )
        );
        vm.prank(payer.addr);
        settlement.authorizeSigner(sessionKey.addr, _now() + 1 days, proof);
    }

    /// @dev A proof is made for one payer: nobody can bind a key whose proof they saw.
    function test_RevertWhen_TheProofIsForAnotherPayer() public {
        bytes memory proof = _signSignerBinding(payer.addr, sessionKey);
        vm.expectPartialRevert(IInferenceSettlement.InferenceSettlement_InvalidSignerProof.selector);
        vm.prank(attacker);
        settlement.authorizeSigner(sessionKey.addr, _now() + 1 days, proof);
    }

    function test_RevertWhen_TheProofIsNoSignature() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceSettlement.InferenceSettlement_InvalidSignerProof.selector, sessionKey.addr, address(0)
            )
        );
        vm.prank(payer.addr);
        settlement.authorizeSigner(sessionKey.addr, _now() + 1 days, hex"00");
    }

    /// @dev A failed recovery gives the zero address, which must not prove the zero key.
    function test_RevertWhen_TheKeyIsZero() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceSettlement.InferenceSettlement_InvalidSignerProof.selector, address(0), address(0)
            )
        );
        vm.prank(payer.addr);
        settlement.authorizeSigner(address(0), _now() + 1 days, hex"00");
    }
}

contract InferenceSettlementRevokeSignerTest is SettlementBase {
    function test_ARevokedKeyKeepsTheNoticePeriod() public {
        _authorize(payer, sessionKey, _now() + 365 days);
        uint64 end = _now() + EXIT_DELAY;
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.SignerRevoked(payer.addr, sessionKey.addr, end);
        vm.prank(payer.addr);
        settlement.revokeSigner(sessionKey.addr);
        assertEq(settlement.signer(sessionKey.addr).validUntil, end);
        assertEq(settlement.signer(sessionKey.addr).payer, payer.addr);
    }

    function test_RevokingNeverExtendsTheValidity() public {
        uint64 end = _now() + 1 days;
        _authorize(payer, sessionKey, end);
        vm.startPrank(payer.addr);
        settlement.revokeSigner(sessionKey.addr);
        assertEq(settlement.signer(sessionKey.addr).validUntil, end);
        _skip(30 days);
        settlement.revokeSigner(sessionKey.addr);
        assertEq(settlement.signer(sessionKey.addr).validUntil, end);
    }

    /// @dev A second revocation must not restart the notice period.
    function test_RevokingAgainDoesNotMoveTheEnd() public {
        _authorize(payer, sessionKey, _now() + 365 days);
        uint64 end = _now() + EXIT_DELAY;
        vm.startPrank(payer.addr);
        settlement.revokeSigner(sessionKey.addr);
        _skip(3 days);
        settlement.revokeSigner(sessionKey.addr);
        assertEq(settlement.signer(sessionKey.addr).validUntil, end);
    }

    function test_ARevokedKeyStaysBoundToItsPayer() public {
        _authorize(payer, sessionKey, _now() + 1 days);
        vm.prank(payer.addr);
        settlement.revokeSigner(sessionKey.addr);
        _skip(30 days);
        bytes memory proof = _signSignerBinding(secondPayer.addr, sessionKey);
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceSettlement.InferenceSettlement_SignerBound.selector, sessionKey.addr, payer.addr
            )
        );
        vm.prank(secondPayer.addr);
        settlement.authorizeSigner(sessionKey.addr, _now() + 1 days, proof);
    }

    function test_RevertWhen_TheKeyIsNotTheCallers() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceSettlement.InferenceSettlement_SignerUnknown.selector, sessionKey.addr, payer.addr
            )
        );
        vm.prank(payer.addr);
        settlement.revokeSigner(sessionKey.addr);

        _authorize(payer, sessionKey, _now() + 1 days);
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceSettlement.InferenceSettlement_SignerUnknown.selector, sessionKey.addr, attacker
            )
        );
        vm.prank(attacker);
        settlement.revokeSigner(sessionKey.addr);
    }
}

contract InferenceSettlementSessionTest is SettlementBase {
    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
    }

    function test_ASessionKeySignsForItsPayer() public {
        _authorize(payer, sessionKey, _now() + 1 days);
        _settleBySession(_owed(10 ether, 1000));
        assertEq(_lane().fee, 10 ether);
    }

    function test_ASessionKeySettlesInItsLastSecondAndNotAfter() public {
        _authorize(payer, sessionKey, _now() + 1 days);
        _skip(1 days);
        _settleBySession(_owed(10 ether, 1000));
        _skip(1);
        _expectSkip(_owed(20 ether, 2000), IInferenceSettlement.SkipReason.InvalidSigner, 20 ether);
        _settleBySession(_owed(20 ether, 2000));
        assertEq(_lane().fee, 10 ether);
    }

    function test_ARevokedKeySettlesWithinTheNoticePeriodAndNotAfter() public {
        _authorize(payer, sessionKey, _now() + 365 days);
        vm.prank(payer.addr);
        settlement.revokeSigner(sessionKey.addr);
        _skip(EXIT_DELAY);
        _settleBySession(_owed(10 ether, 1000));
        _skip(1);
        _settleBySession(_owed(20 ether, 2000));
        assertEq(_lane().fee, 10 ether);
    }

    function test_ThePayersOwnSignatureNeedsNoSession() public {
        _authorize(payer, sessionKey, _now() + 1 days);
        _skip(365 days);
        _settleOne(_owed(10 ether, 1000));
        assertEq(_lane().fee, 10 ether);
    }

    function test_ASessionKeyOfOnePayerSignsForNoOther() public {
        _deposit(secondPayer.addr, operator, 100 ether);
        _authorize(payer, sessionKey, _now() + 1 days);
        _settleBySession(_voucher(secondPayer.addr, operator, 10 ether, 1000));
        assertEq(settlement.channel(secondPayer.addr, operator).settled, 0);
    }

    function _settleBySession(IInferenceSettlement.Voucher memory voucher) private {
        bytes memory signature = _signVoucher(voucher, sessionKey);
        _add(voucher, signature);
        _settleBatch();
    }
}

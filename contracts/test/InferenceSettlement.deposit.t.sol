// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../src/interfaces/IInferenceSettlement.sol";
import {SettlementBase} from "./SettlementBase.t.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

contract InferenceSettlementDepositTest is SettlementBase {
    function test_ADepositFundsTheChannel() public {
        _fund(feeToken, payer.addr, address(settlement), 10 ether);
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.Deposited(payer.addr, operator, payer.addr, 10 ether);
        vm.prank(payer.addr);
        settlement.deposit(payer.addr, operator, 10 ether);
        assertEq(_channel().balance, 10 ether);
        assertEq(_channel().settled, 0);
        assertEq(feeToken.balanceOf(address(settlement)), 10 ether);
        assertEq(feeToken.balanceOf(payer.addr), 0);
    }

    function test_AnyoneFundsAnothersChannelWithTheirOwnTokens() public {
        _fund(feeToken, alice, address(settlement), 3 ether);
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.Deposited(payer.addr, operator, alice, 3 ether);
        vm.prank(alice);
        settlement.deposit(payer.addr, operator, 3 ether);
        assertEq(_channel().balance, 3 ether);
        assertEq(settlement.channel(alice, operator).balance, 0);
        assertEq(feeToken.balanceOf(alice), 0);
    }

    function testFuzz_DepositsAddUp(uint128 first, uint128 second) public {
        first = uint128(bound(first, 1, 1e26));
        second = uint128(bound(second, 1, 1e26));
        _deposit(payer.addr, operator, first);
        _deposit(payer.addr, operator, second);
        assertEq(_channel().balance, uint256(first) + second);
        assertEq(feeToken.balanceOf(address(settlement)), uint256(first) + second);
    }

    function test_RevertWhen_NothingIsDeposited() public {
        vm.expectRevert(IInferenceSettlement.InferenceSettlement_ZeroAmount.selector);
        settlement.deposit(payer.addr, operator, 0);
    }

    function test_RevertWhen_PayerOrOperatorIsZero() public {
        vm.expectRevert(IInferenceSettlement.InferenceSettlement_ZeroAddress.selector);
        settlement.deposit(address(0), operator, 1);
        vm.expectRevert(IInferenceSettlement.InferenceSettlement_ZeroAddress.selector);
        settlement.deposit(payer.addr, address(0), 1);
    }

    function test_RevertWhen_TheAmountExceedsTheWordOfAChannel() public {
        uint256 tooMuch = uint256(type(uint128).max) + 1;
        vm.expectRevert(abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 128, tooMuch));
        settlement.deposit(payer.addr, operator, tooMuch);
    }

    function test_RevertWhen_TheTokensAreNotThere() public {
        vm.prank(payer.addr);
        feeToken.approve(address(settlement), 1 ether);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, payer.addr, 0, 1 ether));
        vm.prank(payer.addr);
        settlement.deposit(payer.addr, operator, 1 ether);
    }
}

contract InferenceSettlementDepositWithPermitTest is SettlementBase {
    bytes32 private constant PERMIT_TYPEHASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    function setUp() public override {
        super.setUp();
        feeToken.mint(payer.addr, 10 ether);
    }

    function test_APermitFundsTheChannelInOneCall() public {
        (uint8 v, bytes32 r, bytes32 s) = _signPermit(10 ether, _now());
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.Deposited(payer.addr, operator, payer.addr, 10 ether);
        vm.prank(payer.addr);
        settlement.depositWithPermit(operator, 10 ether, _now(), v, r, s);
        assertEq(_channel().balance, 10 ether);
        assertEq(feeToken.allowance(payer.addr, address(settlement)), 0);
    }

    function test_APermitThatSomebodySubmittedFirstDoesNotBlockTheDeposit() public {
        (uint8 v, bytes32 r, bytes32 s) = _signPermit(10 ether, _now());
        vm.prank(attacker);
        feeToken.permit(payer.addr, address(settlement), 10 ether, _now(), v, r, s);
        vm.prank(payer.addr);
        settlement.depositWithPermit(operator, 10 ether, _now(), v, r, s);
        assertEq(_channel().balance, 10 ether);
    }

    function test_RevertWhen_ThePermitIsForAnotherAmount() public {
        (uint8 v, bytes32 r, bytes32 s) = _signPermit(9 ether, _now());
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(settlement), 0, 10 ether)
        );
        vm.prank(payer.addr);
        settlement.depositWithPermit(operator, 10 ether, _now(), v, r, s);
    }

    function test_RevertWhen_SomebodyElseUsesThePermit() public {
        (uint8 v, bytes32 r, bytes32 s) = _signPermit(10 ether, _now());
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(settlement), 0, 10 ether)
        );
        vm.prank(attacker);
        settlement.depositWithPermit(attacker, 10 ether, _now(), v, r, s);
    }

    function test_RevertWhen_NothingIsPermitted() public {
        vm.expectRevert(IInferenceSettlement.InferenceSettlement_ZeroAmount.selector);
        vm.prank(payer.addr);
        settlement.depositWithPermit(operator, 0, _now(), 27, 0, 0);
    }

    function _signPermit(uint256 value, uint256 deadline) private view returns (uint8 v, bytes32 r, bytes32 s) {
        bytes32 structHash = keccak256(
            abi.encode(PERMIT_TYPEHASH, payer.addr, address(settlement), value, feeToken.nonces(payer.addr), deadline)
        );
        return vm.sign(payer.key, keccak256(abi.encodePacked(hex"1901", feeToken.DOMAIN_SEPARATOR(), structHash)));
    }
}

contract InferenceSettlementDepositWithAuthorizationTest is SettlementBase {
    bytes32 private constant RECEIVE_TYPEHASH = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    bytes32 private constant SALT = "first";
    uint256 private constant AMOUNT = 10 ether;

    function setUp() public override {
        super.setUp();
        feeToken.mint(payer.addr, AMOUNT);
    }

    function test_AnyoneSubmitsAnAuthorizationThatThePayerSigned() public {
        bytes32 nonce = keccak256(abi.encode(operator, SALT));
        (uint8 v, bytes32 r, bytes32 s) = _signAuthorization(nonce);
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.Deposited(payer.addr, operator, payer.addr, AMOUNT);
        vm.prank(bob);
        settlement.depositWithAuthorization(payer.addr, operator, AMOUNT, 0, type(uint256).max, SALT, nonce, v, r, s);
        assertEq(_channel().balance, AMOUNT);
        assertEq(feeToken.balanceOf(address(settlement)), AMOUNT);
    }

    function test_RevertWhen_TheAuthorizationIsUsedTwice() public {
        test_AnyoneSubmitsAnAuthorizationThatThePayerSigned();
        feeToken.mint(payer.addr, AMOUNT);
        bytes32 nonce = keccak256(abi.encode(operator, SALT));
        (uint8 v, bytes32 r, bytes32 s) = _signAuthorization(nonce);
        vm.expectRevert(abi.encodeWithSignature("TestToken_AuthorizationUsed(address,bytes32)", payer.addr, nonce));
        settlement.depositWithAuthorization(payer.addr, operator, AMOUNT, 0, type(uint256).max, SALT, nonce, v, r, s);
    }

    function test_RevertWhen_TheNonceNamesAnotherOperator() public {
        bytes32 nonce = keccak256(abi.encode(operator, SALT));
        (uint8 v, bytes32 r, bytes32 s) = _signAuthorization(nonce);
        bytes32 expected = keccak256(abi.encode(attacker, SALT));
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceSettlement.InferenceSettlement_WrongAuthorizationNonce.selector, nonce, expected
            )
        );
        vm.prank(attacker);
        settlement.depositWithAuthorization(payer.addr, attacker, AMOUNT, 0, type(uint256).max, SALT, nonce, v, r, s);
    }

    /// @dev A nonce that fits the attacker's channel is not the one that the payer signed.
    function testFuzz_RevertWhen_TheNonceIsRecomputedForAnotherOperator(address other, bytes32 salt) public {
        vm.assume(other != operator && other != address(0));
        (uint8 v, bytes32 r, bytes32 s) = _signAuthorization(keccak256(abi.encode(operator, SALT)));
        bytes32 forged = keccak256(abi.encode(other, salt));
        vm.expectPartialRevert(bytes4(keccak256("TestToken_InvalidSignature(address,address)")));
        settlement.depositWithAuthorization(payer.addr, other, AMOUNT, 0, type(uint256).max, salt, forged, v, r, s);
    }

    function test_RevertWhen_AnotherAmountIsClaimed() public {
        bytes32 nonce = keccak256(abi.encode(operator, SALT));
        (uint8 v, bytes32 r, bytes32 s) = _signAuthorization(nonce);
        vm.expectPartialRevert(bytes4(keccak256("TestToken_InvalidSignature(address,address)")));
        settlement.depositWithAuthorization(
            payer.addr, operator, AMOUNT - 1, 0, type(uint256).max, SALT, nonce, v, r, s
        );
    }

    function test_RevertWhen_NothingIsAuthorized() public {
        bytes32 nonce = keccak256(abi.encode(operator, SALT));
        vm.expectRevert(IInferenceSettlement.InferenceSettlement_ZeroAmount.selector);
        settlement.depositWithAuthorization(payer.addr, operator, 0, 0, type(uint256).max, SALT, nonce, 27, 0, 0);
    }

    function _signAuthorization(bytes32 nonce) private view returns (uint8 v, bytes32 r, bytes32 s) {
        bytes32 structHash = keccak256(
            abi.encode(RECEIVE_TYPEHASH, payer.addr, address(settlement), AMOUNT, uint256(0), type(uint256).max, nonce)
        );
        return vm.sign(payer.key, keccak256(abi.encodePacked(hex"1901", feeToken.DOMAIN_SEPARATOR(), structHash)));
    }
}

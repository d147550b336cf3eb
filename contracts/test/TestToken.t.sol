// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {TestToken} from "../src/TestToken.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Test} from "forge-std/Test.sol";

contract TestTokenTest is Test {
    TestToken private token = new TestToken("Dollar", "USD", 6);
    Account private holder = makeAccount("holder");
    address private payee = makeAddr("payee");

    struct Authorization {
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
        uint256 privateKey;
    }

    function setUp() public {
        vm.warp(1_800_000_000);
        token.mint(holder.addr, 100);
    }

    function _digest(bytes32 structHash) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Dollar"),
                keccak256("1"),
                block.chainid,
                address(token)
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function _valid() private view returns (Authorization memory) {
        return Authorization({
            value: 60,
            validAfter: block.timestamp - 1,
            validBefore: block.timestamp + 1,
            nonce: "nonce",
            privateKey: holder.key
        });
    }

    function _submit(Authorization memory a) private {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
                ),
                holder.addr,
                payee,
                a.value,
                a.validAfter,
                a.validBefore,
                a.nonce
            )
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(a.privateKey, _digest(structHash));
        token.receiveWithAuthorization(holder.addr, payee, a.value, a.validAfter, a.validBefore, a.nonce, v, r, s);
    }

    function test_ItIsNamedAsAsked() public view {
        assertEq(token.name(), "Dollar");
        assertEq(token.symbol(), "USD");
        assertEq(token.decimals(), 6);
    }

    function testFuzz_AnyoneMints(address caller, uint256 amount) public {
        amount = bound(amount, 0, token.MAX_MINT());
        vm.prank(caller);
        token.mint(payee, amount);

        assertEq(token.balanceOf(payee), amount);
    }

    function testFuzz_RevertWhen_AMintIsTooLarge(uint256 amount) public {
        amount = bound(amount, token.MAX_MINT() + 1, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(TestToken.TestToken_MintTooLarge.selector, amount, 1_000_000_000 ether));
        token.mint(payee, amount);
    }

    function test_APermitLeavesAnAllowance() public {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                holder.addr,
                payee,
                60,
                0,
                block.timestamp
            )
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(holder.key, _digest(structHash));

        token.permit(holder.addr, payee, 60, block.timestamp, v, r, s);

        assertEq(token.allowance(holder.addr, payee), 60);
    }

    function test_AnAuthorizationMovesTokensOnce() public {
        Authorization memory a = _valid();
        vm.expectEmit(address(token));
        emit TestToken.AuthorizationUsed(holder.addr, a.nonce);
        vm.prank(payee);
        _submit(a);

        assertEq(token.balanceOf(payee), 60);
        assertEq(token.balanceOf(holder.addr), 40);
        assertTrue(token.authorizationState(holder.addr, a.nonce));
        vm.expectRevert(abi.encodeWithSelector(TestToken.TestToken_AuthorizationUsed.selector, holder.addr, a.nonce));
        vm.prank(payee);
        _submit(a);
    }

    function test_RevertWhen_TheSubmitterIsNotThePayee() public {
        vm.expectRevert(abi.encodeWithSelector(TestToken.TestToken_CallerNotPayee.selector, address(this), payee));
        _submit(_valid());
    }

    function test_RevertWhen_TheAuthorizationIsNotValidNow() public {
        Authorization memory early = _valid();
        early.validAfter = block.timestamp;
        Authorization memory late = _valid();
        late.validBefore = block.timestamp;
        vm.startPrank(payee);

        vm.expectRevert(_notValid(early));
        _submit(early);
        vm.expectRevert(_notValid(late));
        _submit(late);
    }

    function _notValid(Authorization memory a) private pure returns (bytes memory) {
        return abi.encodeWithSelector(TestToken.TestToken_AuthorizationNotValid.selector, a.validAfter, a.validBefore);
    }

    function test_RevertWhen_SomebodyElseSigned() public {
        Account memory other = makeAccount("other");
        Authorization memory a = _valid();
        a.privateKey = other.key;

        vm.expectRevert(abi.encodeWithSelector(TestToken.TestToken_InvalidSignature.selector, other.addr, holder.addr));
        vm.prank(payee);
        _submit(a);
    }

    function test_RevertWhen_TheSignatureIsMalformed() public {
        vm.expectRevert(ECDSA.ECDSAInvalidSignature.selector);
        vm.prank(payee);
        token.receiveWithAuthorization(holder.addr, payee, 1, 0, type(uint256).max, 0, 27, 0, 0);
    }
}

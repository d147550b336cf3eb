// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title ERC-20 that anyone may mint, for networks without a token of their own
/// @notice Worthless by design. It has ERC-2612 permits and the receiving half of ERC-3009, so that every way of funding a
///         channel can be tried.
contract TestToken is ERC20, ERC20Permit {
    /// @notice Most that one call may mint, in base units.
    uint256 public constant MAX_MINT = 1_000_000_000 ether;

    bytes32 public constant RECEIVE_WITH_AUTHORIZATION_TYPEHASH = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    uint8 private immutable DECIMALS;

    /// @notice ERC-3009: true once an authorisation was used.
    mapping(address authorizer => mapping(bytes32 nonce => bool)) public authorizationState;

    /// @notice ERC-3009.
    event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);

    error TestToken_MintTooLarge(uint256 amount, uint256 max);
    error TestToken_CallerNotPayee(address caller, address payee);
    error TestToken_AuthorizationNotValid(uint256 validAfter, uint256 validBefore);
    error TestToken_AuthorizationUsed(address authorizer, bytes32 nonce);
    error TestToken_InvalidSignature(address recovered, address authorizer);

    constructor(string memory name_, string memory symbol_, uint8 decimals_) ERC20(name_, symbol_) ERC20Permit(name_) {
        DECIMALS = decimals_;
    }

    /// @notice Mints to anyone, at most `MAX_MINT` a call.
    function mint(address to, uint256 amount) external {
        require(amount <= MAX_MINT, TestToken_MintTooLarge(amount, MAX_MINT));
        _mint(to, amount);
    }

    /// @notice ERC-3009: moves tokens by the holder's signature; only the payee may submit it.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        require(to == msg.sender, TestToken_CallerNotPayee(msg.sender, to));
        require(
            block.timestamp > validAfter && block.timestamp < validBefore,
            TestToken_AuthorizationNotValid(validAfter, validBefore)
        );
        require(!authorizationState[from][nonce], TestToken_AuthorizationUsed(from, nonce));
        bytes32 structHash =
            keccak256(abi.encode(RECEIVE_WITH_AUTHORIZATION_TYPEHASH, from, to, value, validAfter, validBefore, nonce));
        address recovered = ECDSA.recover(_hashTypedDataV4(structHash), v, r, s);
        require(recovered == from, TestToken_InvalidSignature(recovered, from));
        authorizationState[from][nonce] = true;
        emit AuthorizationUsed(from, nonce);
        _transfer(from, to, value);
    }

    /// @inheritdoc ERC20
    function decimals() public view override returns (uint8) {
        return DECIMALS;
    }
}
